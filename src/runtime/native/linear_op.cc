// S2sLinear: a product with a kernel, plus a bias, through an activation, in one pass over the
// result. The kernel is packed for every call, which takes a few percent of the time of a product
// with many rows. Unlike TensorFlow's MatMul, the factors need no casts and no padding, and the
// result is float32 in both dtypes.
//
// input [rows or more, inner], kernel [inner, columns], or [columns, inner] if transposed, and bias
// [columns] or [0] to output [rows, columns] and preactivation [rows, columns] or [0].
#include <algorithm>
#include <mutex>
#include <type_traits>

#include "activation.h"
#include "packed_kernel.h"
#include "op_tensors.h"
#include "packed_matrix.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::Bfloat16;
using s2s::CheckArgument;
using s2s::InputData;
using s2s::PackedMatrix;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sLinear")
    .Input("input: Tin")
    .Input("kernel: float")
    .Input("bias: float")
    .Output("output: float")
    .Output("preactivation: float")
    .Attr("Tin: {float, bfloat16}")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Attr("transposed: bool = false")
    .Attr("activation: string = 'none'")
    .Doc(
        "output is the activation of the product of the first rows of input [.., inner] and kernel "
        "[inner, columns], plus bias unless it is empty. Factors are rounded to T, sums are "
        "float32. preactivation, the input of the activation, is empty if the gradient needs only "
        "its output.");

namespace {

// Rows of a block, which with its part of the result stays in the second-level cache of a core.
constexpr int64_t kMaxBlockRows = 128;

template <typename Tin, typename T>
class LinearOp : public tensorflow::OpKernel {
  using Given = s2s::Storage<Tin>;
  using Element = s2s::Storage<T>;

  struct Arguments {
    int64_t rows;
    int64_t inner;
    int64_t columns;
    const Given* input;
    const float* bias;
    float* output;
    // Null if it is not needed.
    float* preactivation;
  };

 public:
  explicit LinearOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
    OP_REQUIRES_OK(context, context->GetAttr("transposed", &transposed_));
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    const Tensor& kernel = context->input(1);
    const Tensor& bias = context->input(2);
    const int64_t rows = rows_ < 0 && input.dims() == 2 ? input.dim_size(0) : rows_;
    OP_REQUIRES_OK(context,
                   CheckArgument(input.dims() == 2 && kernel.dims() == 2 && input.dim_size(1) > 0 &&
                                     input.dim_size(1) == kernel.dim_size(transposed_ ? 1 : 0),
                                 "input and kernel must agree in the inner dimension"));
    const int64_t inner = input.dim_size(1);
    const int64_t columns = kernel.dim_size(transposed_ ? 0 : 1);
    OP_REQUIRES_OK(context, CheckArgument(columns > 0 && input.dim_size(0) >= rows,
                                          "input must have at least `rows` rows, and the kernel 1 "
                                          "column"));
    OP_REQUIRES_OK(context, CheckArgument(bias.NumElements() == 0 || bias.NumElements() == columns,
                                          "bias must be [columns] or empty"));
    Arguments arguments{rows,
                        inner,
                        columns,
                        InputData<Tin>(context, 0),
                        bias.NumElements() == 0 ? nullptr : InputData<float>(context, 2),
                        nullptr,
                        nullptr};
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 0, {rows, columns}, &arguments.output));
    const bool keeps_input = s2s::GradientNeedsInput(activation_);
    float* preactivation = nullptr;
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 1,
                                              keeps_input ? tensorflow::TensorShape({rows, columns})
                                                          : tensorflow::TensorShape({0}),
                                              &preactivation));
    if (keeps_input) arguments.preactivation = preactivation;
    s2s::RunWithErrors(context, [&] {
      static s2s::ScratchBuffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBufferMutex());
      const float* data = InputData<float>(context, 1);
      const PackedMatrix packed = s2s::PackKernel<Element>(
          context, &buffer,
          transposed_ ? s2s::TransposeOf(data, inner) : s2s::RowMajor(data, columns), inner,
          columns);
      const int64_t block_rows = BlockRows(rows, s2s::ThreadCount(context));
      s2s::ParallelForBlocks(context, rows, block_rows, [&](int64_t start, int64_t end) {
        MultiplyRows(arguments, packed, start, end - start);
      });
    });
  }

 private:
  // The same number of blocks for each thread, as far as possible.
  static int64_t BlockRows(int64_t rows, int64_t threads) {
    const int64_t blocks_per_thread =
        std::max<int64_t>(1, s2s::CeilDiv(rows, threads * kMaxBlockRows));
    return PackedMatrix::PaddedRows(
        std::max<int64_t>(1, s2s::CeilDiv(rows, threads * blocks_per_thread)));
  }

  void MultiplyRows(const Arguments& arguments, const PackedMatrix& kernel, int64_t start,
                    int64_t rows) const {
    thread_local s2s::ScratchBuffer left_buffer;
    thread_local s2s::ScratchBuffer result_buffer;
    const int64_t inner = arguments.inner;
    const int64_t columns = arguments.columns;
    const int64_t padded_rows = PackedMatrix::PaddedRows(rows);
    const bool is_whole = padded_rows == rows;
    const Given* input = arguments.input + start * inner;
    const void* left = input;
    if (!std::is_same_v<Given, Element> || !is_whole) {
      auto* copy = left_buffer.Get<Element>(padded_rows * inner);
      for (int64_t i = 0; i < rows * inner; ++i)
        copy[i] = s2s::FromFloat<Element>(s2s::ToFloat(input[i]));
      left = copy;
    }
    float* output = arguments.output + start * columns;
    float* preactivation = arguments.preactivation;
    if (preactivation != nullptr) preactivation += start * columns;
    // Into its final place, if it has no pad rows.
    float* product = is_whole ? (preactivation == nullptr ? output : preactivation)
                              : result_buffer.Get<float>(padded_rows * columns);
    kernel.Multiply(left, rows, product);
    const bool is_final = activation_ == s2s::Activation::kNone && arguments.bias == nullptr;
    if (is_final && is_whole) return;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = row * columns;
      s2s::Activate(activation_, product + at, arguments.bias, columns,
                    preactivation == nullptr ? nullptr : preactivation + at, output + at);
    }
  }

  int64_t rows_;
  bool transposed_;
  s2s::Activation activation_;
};

#define REGISTER(TIN, T)                                      \
  REGISTER_KERNEL_BUILDER(Name("S2sLinear")                   \
                              .Device(tensorflow::DEVICE_CPU) \
                              .TypeConstraint<TIN>("Tin")     \
                              .TypeConstraint<T>("T"),        \
                          LinearOp<TIN, T>)
REGISTER(float, float);
REGISTER(float, tensorflow::bfloat16);
REGISTER(tensorflow::bfloat16, tensorflow::bfloat16);
#undef REGISTER

}  // namespace
