// S2sActivationGrad: the gradient of a bias and an activation, in the dtype of the products that
// follow. S2sGate and S2sGateGrad: gated activations, such as SwiGLU (Shazeer 2020).
//
// S2sActivationGrad: d_output [rows, columns] and saved [rows, columns] or [0] to d_sum [at least
// rows, columns] and d_bias [columns].
// S2sGate: input [rows, 2 * size] to output [rows, size]; S2sGateGrad: input and d_output to
// d_input [rows, 2 * size].
#include <algorithm>

#include "activation.h"
#include "op_tensors.h"
#include "parallel.h"
#include "row_sums.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::Activation;
using s2s::CheckArgument;
using s2s::CheckShape;
using s2s::InputData;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sActivationGrad")
    .Input("d_output: float")
    .Input("saved: float")
    .Output("d_sum: T")
    .Output("d_bias: float")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Attr("activation: string")
    .Attr("bias_only: bool = false")
    .Doc(
        "d_output times the derivative of the activation, with zero rows up to `rows`, and its sum "
        "over the rows. saved is the preactivation of S2sLinear or, if that is empty, its output; "
        "empty for the activation none. With bias_only, d_sum is empty: it equals d_output without "
        "an activation, in float32 and without pad rows.");

REGISTER_OP("S2sGate")
    .Input("input: float")
    .Output("output: float")
    .Attr("activation: string")
    .Doc("The activation of the left half of the columns, times the right half.");

REGISTER_OP("S2sGateGrad")
    .Input("input: float")
    .Input("d_output: float")
    .Output("d_input: float")
    .Attr("activation: string")
    .Doc("The gradient of the input of S2sGate.");

namespace {

// Rows that a thread takes at a time.
constexpr int64_t kBlockRows = 32;

template <typename T>
class ActivationGradOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

 public:
  explicit ActivationGradOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
    OP_REQUIRES_OK(context, context->GetAttr("bias_only", &bias_only_));
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
    OP_REQUIRES_OK(context, CheckArgument(!bias_only_ || activation_ == Activation::kNone,
                                          "with an activation, d_sum differs from d_output"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& d_output = context->input(0);
    OP_REQUIRES_OK(context, CheckArgument(d_output.dims() == 2 && d_output.dim_size(0) <= rows_,
                                          "d_output must be [up to `rows`, columns]"));
    const bool has_saved = activation_ != Activation::kNone;
    if (has_saved)
      OP_REQUIRES_OK(context, CheckShape(context, 1, d_output.shape(),
                                         "saved must have the shape of d_output"));
    const int64_t rows = d_output.dim_size(0);
    const int64_t columns = d_output.dim_size(1);
    Element* d_sum = nullptr;
    float* d_bias = nullptr;
    const TensorShape sum_shape = bias_only_ ? TensorShape({0}) : TensorShape({rows_, columns});
    OP_REQUIRES_OK(context, s2s::AllocateOutput<T>(context, 0, sum_shape, &d_sum));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 1, {columns}, &d_bias));
    if (!bias_only_) std::fill(d_sum + rows * columns, d_sum + rows_ * columns, Element{0});
    const float* gradients = InputData<float>(context, 0);
    const float* saved = has_saved ? InputData<float>(context, 1) : nullptr;
    s2s::RunWithErrors(context, [&] {
      s2s::SumOverRows(context, rows, columns, d_bias,
                       [&](int64_t start, int64_t end, float* sums) {
                         for (int64_t row = start; row < end; ++row) {
                           const int64_t at = row * columns;
                           if (bias_only_)
                             AddRow(gradients + at, columns, sums);
                           else
                             RowGradient(gradients + at, saved == nullptr ? nullptr : saved + at,
                                         columns, d_sum + at, sums);
                         }
                       });
    });
  }

 private:
  static void AddRow(const float* row, int64_t columns, float* sums) {
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) sums[i] += row[i];
  }

  void RowGradient(const float* d_output, const float* saved, int64_t columns, Element* d_sum,
                   float* sums) const {
    s2s::WithActivation(activation_, [&](auto constant) {
      constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
      for (int64_t i = 0; i < columns; ++i) {
        float gradient = d_output[i];
        if constexpr (kActivation != Activation::kNone)
          gradient *= s2s::ActivationDerivative<kActivation>(saved[i]);
        d_sum[i] = s2s::FromFloat<Element>(gradient);
        sums[i] += gradient;
      }
    });
  }

  int64_t rows_;
  bool bias_only_;
  Activation activation_;
};

// Checks the input of both gate ops.
class GateOpBase : public tensorflow::OpKernel {
 public:
  explicit GateOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
    OP_REQUIRES_OK(context, CheckArgument(activation_ != Activation::kTanh,
                                          "the gradient of the gate needs an activation with a "
                                          "derivative of the input"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    OP_REQUIRES_OK(context, CheckArgument(input.dims() == 2 && input.dim_size(1) % 2 == 0,
                                          "input must be [rows, 2 * size]"));
    s2s::RunWithErrors(context, [&] { Gate(context, input.dim_size(0), input.dim_size(1) / 2); });
  }

 protected:
  virtual void Gate(OpKernelContext* context, int64_t rows, int64_t size) = 0;

  Activation activation_;
};

class GateOp : public GateOpBase {
 public:
  using GateOpBase::GateOpBase;

 protected:
  void Gate(OpKernelContext* context, int64_t rows, int64_t size) override {
    float* output = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, size}, &output));
    const float* input = InputData<float>(context, 0);
    s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
      for (int64_t row = start; row < end; ++row)
        GateRow(input + 2 * row * size, size, output + row * size);
    });
  }

 private:
  void GateRow(const float* input, int64_t size, float* output) const {
    s2s::WithActivation(activation_, [&](auto constant) {
      constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
      for (int64_t i = 0; i < size; ++i)
        output[i] = s2s::ActivationValue<kActivation>(input[i]) * input[size + i];
    });
  }
};

class GateGradOp : public GateOpBase {
 public:
  using GateOpBase::GateOpBase;

 protected:
  void Gate(OpKernelContext* context, int64_t rows, int64_t size) override {
    OP_REQUIRES_OK(context, CheckShape(context, 1, TensorShape({rows, size}),
                                       "d_output must be [rows, size]"));
    float* d_input = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, 2 * size}, &d_input));
    const float* input = InputData<float>(context, 0);
    const float* d_output = InputData<float>(context, 1);
    s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
      for (int64_t row = start; row < end; ++row)
        RowGradient(input + 2 * row * size, d_output + row * size, size, d_input + 2 * row * size);
    });
  }

 private:
  void RowGradient(const float* input, const float* d_output, int64_t size, float* d_input) const {
    s2s::WithActivation(activation_, [&](auto constant) {
      constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
      for (int64_t i = 0; i < size; ++i) {
        const float x = input[i];
        d_input[i] = d_output[i] * input[size + i] * s2s::ActivationDerivative<kActivation>(x);
        d_input[size + i] = d_output[i] * s2s::ActivationValue<kActivation>(x);
      }
    });
  }
};

#define REGISTER(T)                                                                    \
  REGISTER_KERNEL_BUILDER(                                                             \
      Name("S2sActivationGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
      ActivationGradOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

REGISTER_KERNEL_BUILDER(Name("S2sGate").Device(tensorflow::DEVICE_CPU), GateOp);
REGISTER_KERNEL_BUILDER(Name("S2sGateGrad").Device(tensorflow::DEVICE_CPU), GateGradOp);

}  // namespace
