// S2sLinear: a product with a kernel, plus a bias, through an activation, in one pass over the
// result. The kernel is packed for every call, which takes a few percent of the time of a product
// with many rows. Unlike TensorFlow's MatMul, the factors need no casts and no padding, and the
// result is float32 in both dtypes.
//
// input [rows, inner], kernel [inner, columns] and bias [columns] or [0] to output [rows, columns],
// preactivation [rows, columns] or [0], and rounded [rows, inner] or [0].
#include <mutex>
#include <type_traits>

#include "activation.h"
#include "op_tensors.h"
#include "packed_kernel.h"
#include "packed_matrix.h"
#include "parallel.h"
#include "row_blocks.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::CheckArgument;
using s2s::InputData;
using s2s::PackedMatrix;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLinear")
    .Input("input: float")
    .Input("kernel: float")
    .Input("bias: float")
    .Output("output: float")
    .Output("preactivation: float")
    .Output("rounded: T")
    .Attr("T: {float, bfloat16}")
    .Attr("activation: string = 'none'")
    .Doc(
        "output is the activation of the product of input [rows, inner] and kernel [inner, "
        "columns], plus bias unless it is empty. Factors are rounded to T, sums are float32. "
        "preactivation, the input of the activation, is empty if the gradient needs only its "
        "output. rounded is the input in T, empty if that is float32.");

namespace {

template <typename T>
class LinearOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;
  static constexpr bool kRounds = !std::is_same_v<Element, float>;

  struct Arguments {
    int64_t inner;
    int64_t columns;
    const float* input;
    const float* bias;
    float* output;
    // Null if it is not needed.
    float* preactivation;
    Element* rounded;
  };

 public:
  explicit LinearOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    const Tensor& kernel = context->input(1);
    const Tensor& bias = context->input(2);
    OP_REQUIRES_OK(context,
                   CheckArgument(input.dims() == 2 && kernel.dims() == 2 && input.dim_size(1) > 0 &&
                                     input.dim_size(1) == kernel.dim_size(0),
                                 "input and kernel must agree in the inner dimension"));
    const int64_t rows = input.dim_size(0);
    const int64_t inner = input.dim_size(1);
    const int64_t columns = kernel.dim_size(1);
    OP_REQUIRES_OK(context, CheckArgument(rows > 0 && columns > 0,
                                          "input must have a row, and the kernel a column"));
    OP_REQUIRES_OK(context, CheckArgument(bias.NumElements() == 0 || bias.NumElements() == columns,
                                          "bias must be [columns] or empty"));
    Arguments arguments{};
    arguments.inner = inner;
    arguments.columns = columns;
    arguments.input = InputData<float>(context, 0);
    arguments.bias = bias.NumElements() == 0 ? nullptr : InputData<float>(context, 2);
    const TensorShape shape({rows, columns});
    const TensorShape empty({0});
    const bool keeps_input = s2s::GradientNeedsInput(activation_);
    float* preactivation = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, shape, &arguments.output));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 1, keeps_input ? shape : empty,
                                                       &preactivation));
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<T>(context, 2, kRounds ? TensorShape({rows, inner}) : empty,
                                          &arguments.rounded));
    if (keeps_input) arguments.preactivation = preactivation;
    s2s::RunWithErrors(context, [&] {
      static s2s::ScratchBuffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBufferMutex());
      const PackedMatrix packed = s2s::PackKernel<Element>(
          context, &buffer, s2s::RowMajor(InputData<float>(context, 1), columns), inner, columns);
      const s2s::RowBlocks blocks(rows, s2s::ThreadCount(context));
      s2s::ParallelFor(context, blocks.Count(), [&](int64_t block) {
        ComputeRows(arguments, packed, blocks.Start(block), blocks.Size(block));
      });
    });
  }

 private:
  void ComputeRows(const Arguments& arguments, const PackedMatrix& kernel, int64_t start,
                   int64_t rows) const {
    const int64_t inner = arguments.inner;
    const int64_t columns = arguments.columns;
    const Element* left = nullptr;
    if constexpr (kRounds) {
      Element* rounded = arguments.rounded + start * inner;
      s2s::CastTo(arguments.input + start * inner, rows * inner, rounded);
      left = rounded;
    } else {
      left = arguments.input + start * inner;
    }
    float* output = arguments.output + start * columns;
    float* preactivation = arguments.preactivation;
    if (preactivation != nullptr) preactivation += start * columns;
    s2s::MultiplyRows(s2s::WithPadRows(left, rows, inner), kernel, rows, output);
    if (activation_ == s2s::Activation::kNone && arguments.bias == nullptr) return;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = row * columns;
      s2s::Activate(activation_, output + at, arguments.bias, columns,
                    preactivation == nullptr ? nullptr : preactivation + at, output + at);
    }
  }

  s2s::Activation activation_;
};

#define REGISTER(T)                                                                                \
  REGISTER_KERNEL_BUILDER(Name("S2sLinear").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          LinearOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
