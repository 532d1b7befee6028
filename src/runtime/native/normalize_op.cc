// S2sNormalize and S2sNormalizeGrad: layer normalisation (Ba et al. 2016) or root mean square
// normalisation (Zhang and Sennrich 2019) of the sum of a residual and the input after dropout.
//
// S2sNormalize: input [..., width], residual of the same shape or [0], gain [width], bias [width]
// or [0] and seeds [2] or [0] to sum [..., width], normalized [..., width] and statistics [rows,
// 2]. S2sNormalizeGrad: sum, statistics, gain, seeds and the gradients of sum (or [0]) and
// normalized to the gradients of the residual [..., width], of the input, of gain and of bias
// [width].
#include <algorithm>
#include <cmath>

#include "dropout_mask.h"
#include "matrix_view.h"
#include "op_tensors.h"
#include "parallel.h"
#include "row_sums.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::CheckArgument;
using s2s::CheckShape;
using s2s::InputData;
using s2s::MatrixView;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sNormalize")
    .Input("input: float")
    .Input("residual: float")
    .Input("gain: float")
    .Input("bias: float")
    .Input("seeds: int32")
    .Output("sum: float")
    .Output("normalized: float")
    .Output("statistics: float")
    .Attr("epsilon: float")
    .Attr("centred: bool")
    .Attr("rate: float = 0")
    .Doc(
        "sum is residual plus input after dropout with the rate and seeds; an empty residual means "
        "zeros. Each row of the last dimension is normalized: minus its mean if centred, divided "
        "by the square root of the mean square plus epsilon, times gain, plus bias unless it is "
        "empty. statistics holds each row's mean (0 if not centred) and the divisor's inverse.");

REGISTER_OP("S2sNormalizeGrad")
    .Input("sum: float")
    .Input("statistics: float")
    .Input("gain: float")
    .Input("seeds: int32")
    .Input("d_sum: float")
    .Input("d_normalized: float")
    .Output("d_residual: float")
    .Output("d_input: float")
    .Output("d_gain: float")
    .Output("d_bias: float")
    .Attr("centred: bool")
    .Attr("rate: float = 0")
    .Doc(
        "The gradients of the inputs of S2sNormalize. An empty d_sum means zeros. Without dropout, "
        "d_input is empty: it equals d_residual.");

namespace {

// Rows that a thread takes at a time.
constexpr int64_t kBlockRows = 32;

// Checks that gain is [width] and finds the number of rows [..., width] of the first input.
absl::Status FindRows(OpKernelContext* context, int gain, int64_t* rows, int64_t* width) {
  const Tensor& input = context->input(0);
  TF_RETURN_IF_ERROR(CheckArgument(input.dims() > 0 && input.dim_size(input.dims() - 1) > 0,
                                   "the last dimension must be at least 1"));
  *width = input.dim_size(input.dims() - 1);
  *rows = input.NumElements() / *width;
  return CheckShape(context, gain, TensorShape({*width}), "gain must be [width]");
}

// The data of an input, or null if it is empty.
const float* OptionalInput(OpKernelContext* context, int input) {
  return context->input(input).NumElements() == 0 ? nullptr : InputData<float>(context, input);
}

class NormalizeOp : public tensorflow::OpKernel {
 public:
  explicit NormalizeOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(context, context->GetAttr("centred", &centred_));
    OP_REQUIRES_OK(context, s2s::GetDropoutRate(context, &rate_));
  }

  void Compute(OpKernelContext* context) override {
    int64_t rows = 0;
    int64_t width = 0;
    s2s::DropoutMask mask;
    OP_REQUIRES_OK(context, FindRows(context, 2, &rows, &width));
    OP_REQUIRES_OK(context, s2s::DropoutMask::FromInput(context, 4, rate_, &mask));
    const TensorShape& shape = context->input(0).shape();
    const float* residual = OptionalInput(context, 1);
    const float* bias = OptionalInput(context, 3);
    if (residual != nullptr)
      OP_REQUIRES_OK(context, CheckShape(context, 1, shape, "residual must have input's shape"));
    if (bias != nullptr)
      OP_REQUIRES_OK(context,
                     CheckShape(context, 3, TensorShape({width}), "bias must be [width] or empty"));
    float* sum = nullptr;
    float* normalized = nullptr;
    float* statistics = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, shape, &sum));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 1, shape, &normalized));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 2, {rows, 2}, &statistics));
    const float* input = InputData<float>(context, 0);
    const float* gain = InputData<float>(context, 2);
    s2s::RunWithErrors(context, [&] {
      s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
        const int64_t first = start * width;
        mask.Apply(first, (end - start) * width, input + first, sum + first);
        for (int64_t row = start; row < end; ++row) {
          const int64_t at = row * width;
          if (residual != nullptr) Add(residual + at, width, sum + at);
          Normalize(sum + at, gain, bias, width, statistics + 2 * row, normalized + at);
        }
      });
    });
  }

 private:
  static void Add(const float* addend, int64_t width, float* sum) {
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) sum[i] += addend[i];
  }

  void Normalize(const float* values, const float* gain, const float* bias, int64_t width,
                 float* statistics, float* normalized) const {
    float total = 0;
    if (centred_) {
#pragma omp simd reduction(+ : total)
      for (int64_t i = 0; i < width; ++i) total += values[i];
    }
    const float mean = total / width;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; ++i) squares += (values[i] - mean) * (values[i] - mean);
    const float inverse = 1.0f / std::sqrt(squares / width + epsilon_);
#pragma omp simd
    for (int64_t i = 0; i < width; ++i)
      normalized[i] = (values[i] - mean) * inverse * gain[i] + (bias == nullptr ? 0.0f : bias[i]);
    statistics[0] = mean;
    statistics[1] = inverse;
  }

  float epsilon_;
  bool centred_;
  float rate_;
};

class NormalizeGradOp : public tensorflow::OpKernel {
 public:
  explicit NormalizeGradOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("centred", &centred_));
    OP_REQUIRES_OK(context, s2s::GetDropoutRate(context, &rate_));
  }

  void Compute(OpKernelContext* context) override {
    int64_t rows = 0;
    int64_t width = 0;
    s2s::DropoutMask mask;
    OP_REQUIRES_OK(context, FindRows(context, 2, &rows, &width));
    OP_REQUIRES_OK(context, s2s::DropoutMask::FromInput(context, 3, rate_, &mask));
    const TensorShape& shape = context->input(0).shape();
    OP_REQUIRES_OK(context,
                   CheckShape(context, 1, TensorShape({rows, 2}), "statistics must be [rows, 2]"));
    const float* d_sum = OptionalInput(context, 4);
    if (d_sum != nullptr)
      OP_REQUIRES_OK(context, CheckShape(context, 4, shape, "d_sum must have the shape of sum"));
    OP_REQUIRES_OK(context,
                   CheckShape(context, 5, shape, "d_normalized must have the shape of sum"));
    float* d_residual = nullptr;
    float* d_input = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, shape, &d_residual));
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(
                       context, 1, mask.DropsNothing() ? TensorShape({0}) : shape, &d_input));
    Tensor* d_gain = nullptr;
    Tensor* d_bias = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(2, TensorShape({width}), &d_gain));
    OP_REQUIRES_OK(context, context->allocate_output(3, TensorShape({width}), &d_bias));
    const float* sum = InputData<float>(context, 0);
    const float* statistics = InputData<float>(context, 1);
    const float* gain = InputData<float>(context, 2);
    const float* d_normalized = InputData<float>(context, 5);
    s2s::RunWithErrors(context, [&] {
      thread_local s2s::ScratchBuffer buffer;
      float* totals = buffer.Get<float>(2 * width);
      s2s::SumOverRows(
          context, rows, 2 * width, totals, [&](int64_t start, int64_t end, float* sums) {
            for (int64_t row = start; row < end; ++row) {
              const int64_t at = row * width;
              RowGradient(sum + at, statistics + 2 * row, gain,
                          d_sum == nullptr ? nullptr : d_sum + at, d_normalized + at, width,
                          d_residual + at, sums);
            }
            const int64_t first = start * width;
            if (!mask.DropsNothing())
              mask.Apply(first, (end - start) * width, d_residual + first, d_input + first);
          });
      std::copy_n(totals, width, d_gain->flat<float>().data());
      std::copy_n(totals + width, width, d_bias->flat<float>().data());
    });
  }

 private:
  // `sums` [2 * width] are the gradients of gain and of bias.
  void RowGradient(const float* sum, const float* statistics, const float* gain, const float* d_sum,
                   const float* d_normalized, int64_t width, float* gradient, float* sums) const {
    const float mean = statistics[0];
    const float inverse = statistics[1];
    float* d_gain = sums;
    float* d_bias = sums + width;
    float total = 0;
    float products = 0;
#pragma omp simd reduction(+ : total, products)
    for (int64_t i = 0; i < width; ++i) {
      const float standard = (sum[i] - mean) * inverse;
      const float scaled = d_normalized[i] * gain[i];
      total += scaled;
      products += scaled * standard;
      d_gain[i] += d_normalized[i] * standard;
      d_bias[i] += d_normalized[i];
    }
    const float shift = centred_ ? total / width : 0.0f;
    const float slope = products / width;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) {
      const float standard = (sum[i] - mean) * inverse;
      gradient[i] = inverse * (d_normalized[i] * gain[i] - shift - standard * slope) +
                    (d_sum == nullptr ? 0.0f : d_sum[i]);
    }
  }

  bool centred_;
  float rate_;
};

REGISTER_KERNEL_BUILDER(Name("S2sNormalize").Device(tensorflow::DEVICE_CPU), NormalizeOp);
REGISTER_KERNEL_BUILDER(Name("S2sNormalizeGrad").Device(tensorflow::DEVICE_CPU), NormalizeGradOp);

}  // namespace
