// S2sAdam: one Adam update (Kingma and Ba 2015) of all parameters, with the clipping of their
// gradients, in one pass over memory. A Transformer has over a hundred parameters: with one op for
// each, the small ones would take longer to start than to compute.
//
// N variables each of weights, first and second moments, N gradients of the same shapes, and
// numbers [8] to nothing: the variables are updated in place.
#include <algorithm>
#include <cmath>
#include <vector>

#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"

using s2s::CheckArgument;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sAdam")
    .Input("weights: N * resource")
    .Input("first_moments: N * resource")
    .Input("second_moments: N * resource")
    .Input("gradients: N * float")
    .Input("numbers: float")
    .Attr("N: int >= 1")
    .Doc(
        "Updates weights and moments in place with the results of ResourceApplyAdam. numbers: "
        "learning rate, beta1, beta2, epsilon, beta1 and beta2 to the power of the update's "
        "number, the share of the weights that is subtracted before the update (decoupled weight "
        "decay), and the factor of the gradients (clipping).");

namespace {

constexpr int64_t kBlockElements = 1 << 14;

struct Numbers {
  float rate;
  float one_minus_beta1;
  float one_minus_beta2;
  float epsilon;
  float decay;
  float gradient_factor;
};

// A range of the elements of a parameter.
struct Block {
  float* weights;
  float* first;
  float* second;
  const float* gradients;
  int64_t count;
};

// Each operation is rounded, as in TensorFlow's kernel, whose results this op reproduces to the
// bit: no product is contracted with a sum.
#if defined(__clang__)
#define S2S_NO_CONTRACTION
#else
#define S2S_NO_CONTRACTION __attribute__((optimize("fp-contract=off"), noinline))
#endif

S2S_NO_CONTRACTION void UpdateBlock(const Numbers& numbers, const Block& block) {
#if defined(__clang__)
#pragma clang fp contract(off)
#endif
  const auto [rate, one_minus_beta1, one_minus_beta2, epsilon, decay, gradient_factor] = numbers;
  float* __restrict weights = block.weights;
  float* __restrict first = block.first;
  float* __restrict second = block.second;
  const float* __restrict gradients = block.gradients;
  const int64_t count = block.count;
  if (decay != 0) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) weights[i] = weights[i] - weights[i] * decay;
  }
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const float gradient = gradients[i] * gradient_factor;
    const float m = first[i] + (gradient - first[i]) * one_minus_beta1;
    const float v = second[i] + (gradient * gradient - second[i]) * one_minus_beta2;
    first[i] = m;
    second[i] = v;
    weights[i] = weights[i] - m * rate / (std::sqrt(v) + epsilon);
  }
}

class AdamOp : public tensorflow::OpKernel {
 public:
  explicit AdamOp(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("N", &parameters_));
  }

  void Compute(OpKernelContext* context) override {
    Numbers numbers;
    std::vector<Block> blocks;
    OP_REQUIRES_OK(context, ReadNumbers(context, &numbers));
    OP_REQUIRES_OK(context, FindBlocks(context, &blocks));
    s2s::RunWithErrors(context, [&] {
      s2s::ParallelFor(context, blocks.size(),
                       [&](int64_t index) { UpdateBlock(numbers, blocks[index]); });
    });
  }

 private:
  absl::Status ReadNumbers(OpKernelContext* context, Numbers* numbers) const {
    const Tensor& input = context->input(4 * parameters_);
    TF_RETURN_IF_ERROR(CheckArgument(input.NumElements() == 8, "numbers must be [8]"));
    const float* data = s2s::InputData<float>(context, 4 * parameters_);
    const float rate = data[0] * std::sqrt(1.0f - data[5]) / (1.0f - data[4]);
    *numbers = {rate, 1.0f - data[1], 1.0f - data[2], data[3], data[6], data[7]};
    return absl::OkStatus();
  }

  // Checks all parameters before any is changed.
  absl::Status FindBlocks(OpKernelContext* context, std::vector<Block>* blocks) const {
    for (int parameter = 0; parameter < parameters_; ++parameter) {
      const Tensor& gradients = context->input(3 * parameters_ + parameter);
      Block whole{nullptr, nullptr, nullptr, gradients.flat<float>().data(),
                  gradients.NumElements()};
      float** const variables[] = {&whole.weights, &whole.first, &whole.second};
      for (int which = 0; which < 3; ++which) {
        TF_RETURN_IF_ERROR(FindVariable(context, which * parameters_ + parameter, gradients.shape(),
                                        variables[which]));
      }
      for (int64_t start = 0; start < whole.count; start += kBlockElements) {
        blocks->push_back({whole.weights + start, whole.first + start, whole.second + start,
                           whole.gradients + start, std::min(kBlockElements, whole.count - start)});
      }
    }
    return absl::OkStatus();
  }

  // The elements of a variable, which are copied first if a tensor shares them.
  static absl::Status FindVariable(OpKernelContext* context, int input,
                                   const tensorflow::TensorShape& shape, float** data) {
    tensorflow::core::RefCountPtr<tensorflow::Var> variable;
    TF_RETURN_IF_ERROR(tensorflow::LookupResource(
        context, tensorflow::HandleFromInput(context, input), &variable));
    tensorflow::mutex_lock lock(*variable->mu());
    Tensor* value = variable->tensor();
    TF_RETURN_IF_ERROR(CheckArgument(
        variable->is_initialized && value->dtype() == tensorflow::DT_FLOAT &&
            value->shape() == shape,
        "weights and moments must be float32 variables with the shape of their gradients"));
    if (!value->RefCountIsOne()) {
      Tensor copy;
      TF_RETURN_IF_ERROR(context->allocate_temp(tensorflow::DT_FLOAT, shape, &copy));
      std::copy_n(value->flat<float>().data(), shape.num_elements(), copy.flat<float>().data());
      *value = copy;
    }
    *data = value->flat<float>().data();
    return absl::OkStatus();
  }

  int parameters_;
};

REGISTER_KERNEL_BUILDER(Name("S2sAdam").Device(tensorflow::DEVICE_CPU), AdamOp);

}  // namespace
