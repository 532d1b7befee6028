// S2sLinearGrad: all gradients of a linear layer (linear_op.cc) in one op. The gradient of the sum
// is packed for that of the kernel without a cast, and the threads take blocks of both products, so
// that no thread waits between them.
//
// d_output [rows, columns], input [rows, inner], kernel [inner, columns] and saved [rows, columns]
// or [0] to d_input [rows, inner], d_kernel [inner, columns] and d_bias [columns].
#include <algorithm>
#include <mutex>
#include <type_traits>

#include "activation.h"
#include "matrix_view.h"
#include "op_tensors.h"
#include "packed_kernel.h"
#include "packed_matrix.h"
#include "parallel.h"
#include "row_blocks.h"
#include "row_sums.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "transpose.h"

using s2s::Activation;
using s2s::CheckArgument;
using s2s::CheckShape;
using s2s::InputData;
using s2s::MatrixView;
using s2s::PackedMatrix;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLinearGrad")
    .Input("d_output: float")
    .Input("input: T")
    .Input("kernel: float")
    .Input("saved: float")
    .Output("d_input: float")
    .Output("d_kernel: float")
    .Output("d_bias: float")
    .Attr("T: {float, bfloat16}")
    .Attr("padded_rows: int")
    .Attr("activation: string = 'none'")
    .Doc(
        "The gradients of S2sLinear. saved is its preactivation or, if that is empty, its output; "
        "empty for the activation none. Factors are rounded to T, sums are float32. Batches "
        "differ in their number of rows, and oneDNN compiles code for each: sums over rows are "
        "sums "
        "over `padded_rows`, with zeros at the end.");

namespace {

// Rows of the input that a thread transposes at a time: one cache line of each column in bfloat16.
constexpr int64_t kTransposedRows = 32;

template <typename T>
class LinearGradOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;
  static constexpr bool kRounds = !std::is_same_v<Element, float>;

  struct Arguments {
    int64_t rows;
    int64_t inner;
    int64_t columns;
    const Element* input;
    // Gradient of the sum of product and bias, [padded_rows, columns].
    const Element* d_sum;
    float* d_input;
    float* d_kernel;
  };

 public:
  explicit LinearGradOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("padded_rows", &padded_rows_));
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(1);
    const Tensor& kernel = context->input(2);
    OP_REQUIRES_OK(context, CheckArgument(input.dims() == 2 && kernel.dims() == 2 &&
                                              input.dim_size(1) == kernel.dim_size(0) &&
                                              input.NumElements() > 0 && kernel.NumElements() > 0,
                                          "input and kernel must agree in the inner dimension"));
    Arguments arguments{};
    arguments.rows = input.dim_size(0);
    arguments.inner = input.dim_size(1);
    arguments.columns = kernel.dim_size(1);
    OP_REQUIRES_OK(context, CheckArgument(arguments.rows <= padded_rows_,
                                          "input must have at most `padded_rows` rows"));
    const TensorShape shape({arguments.rows, arguments.columns});
    OP_REQUIRES_OK(context,
                   CheckShape(context, 0, shape, "d_output must have the shape of the output"));
    if (activation_ != Activation::kNone)
      OP_REQUIRES_OK(context,
                     CheckShape(context, 3, shape, "saved must have the shape of d_output"));
    arguments.input = InputData<T>(context, 1);
    float* d_bias = nullptr;
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 0, input.shape(), &arguments.d_input));
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 1, kernel.shape(), &arguments.d_kernel));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 2, {arguments.columns}, &d_bias));
    // The gradient of the output itself, if it needs no activation, rounding or padding.
    Tensor sum_gradient = context->input(0);
    const bool copies =
        kRounds || activation_ != Activation::kNone || padded_rows_ != arguments.rows;
    if (copies)
      OP_REQUIRES_OK(context, context->allocate_temp(tensorflow::DataTypeToEnum<T>::value,
                                                     TensorShape({padded_rows_, arguments.columns}),
                                                     &sum_gradient));
    Element* d_sum = reinterpret_cast<Element*>(sum_gradient.flat<T>().data());
    arguments.d_sum = d_sum;
    s2s::RunWithErrors(context, [&] {
      SumGradient(context, shape, copies ? d_sum : nullptr, d_bias);
      Multiply(context, arguments);
    });
  }

 private:
  // Writes d_bias and, unless it is null, d_sum [padded_rows, columns].
  void SumGradient(OpKernelContext* context, const TensorShape& shape, Element* d_sum,
                   float* d_bias) const {
    const int64_t rows = shape.dim_size(0);
    const int64_t columns = shape.dim_size(1);
    const float* d_output = InputData<float>(context, 0);
    const float* saved = activation_ == Activation::kNone ? nullptr : InputData<float>(context, 3);
    if (d_sum != nullptr)
      std::fill(d_sum + rows * columns, d_sum + padded_rows_ * columns, Element{0});
    s2s::SumOverRows(context, rows, columns, d_bias, [&](int64_t start, int64_t end, float* sums) {
      for (int64_t row = start; row < end; ++row) {
        const int64_t at = row * columns;
        RowGradient(d_output + at, saved == nullptr ? nullptr : saved + at, columns,
                    d_sum == nullptr ? nullptr : d_sum + at, sums);
      }
    });
  }

  void RowGradient(const float* d_output, const float* saved, int64_t columns, Element* d_sum,
                   float* sums) const {
    if (d_sum == nullptr) {
#pragma omp simd
      for (int64_t i = 0; i < columns; ++i) sums[i] += d_output[i];
      return;
    }
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

  // d_kernel = inputᵀ d_sum and d_input = d_sum kernelᵀ.
  void Multiply(OpKernelContext* context, const Arguments& arguments) const {
    static s2s::ScratchBuffer input_buffer;
    static s2s::ScratchBuffer sum_buffer;
    static s2s::ScratchBuffer kernel_buffer;
    std::lock_guard<std::mutex> lock(s2s::SharedBufferMutex());
    const int64_t rows = arguments.rows;
    const int64_t inner = arguments.inner;
    const int64_t columns = arguments.columns;
    const MatrixView<Element> input{
        input_buffer.Get<Element>(PackedMatrix::PaddedRows(inner) * padded_rows_), padded_rows_};
    PackedMatrix d_sum = s2s::AllocatePacked<Element>(&sum_buffer, padded_rows_, columns);
    PackedMatrix kernel = s2s::AllocatePacked<Element>(&kernel_buffer, columns, inner);
    const s2s::StridedMatrix transposed_kernel =
        s2s::TransposeOf(InputData<float>(context, 2), columns);
    const int64_t input_tasks = s2s::CeilDiv(rows, kTransposedRows);
    const int64_t sum_tasks = input_tasks + d_sum.Blocks();
    s2s::ParallelFor(context, sum_tasks + kernel.Blocks(), [&](int64_t task) {
      if (task < input_tasks)
        TransposeRows(arguments, task * kTransposedRows, input);
      else if (task < sum_tasks)
        d_sum.PackBlock(s2s::RowMajor(arguments.d_sum, columns), task - input_tasks);
      else
        kernel.PackBlock(transposed_kernel, task - sum_tasks);
    });
    const int threads = s2s::ThreadCount(context);
    const s2s::RowBlocks kernel_blocks(inner, threads);
    const s2s::RowBlocks input_blocks(rows, threads);
    s2s::ParallelFor(context, kernel_blocks.Count() + input_blocks.Count(), [&](int64_t task) {
      if (task < kernel_blocks.Count()) {
        const int64_t start = kernel_blocks.Start(task);
        s2s::MultiplyRows(input[start], d_sum, kernel_blocks.Size(task),
                          arguments.d_kernel + start * columns);
        return;
      }
      const int64_t block = task - kernel_blocks.Count();
      const int64_t start = input_blocks.Start(block);
      const int64_t size = input_blocks.Size(block);
      s2s::MultiplyRows(s2s::WithPadRows(arguments.d_sum + start * columns, size, columns), kernel,
                        size, arguments.d_input + start * inner);
    });
  }

  // Writes rows of the input from `start` on into columns of `transposed` [inner, padded_rows].
  // Few rows at a time, so that their memory is read in order.
  void TransposeRows(const Arguments& arguments, int64_t start,
                     const MatrixView<Element>& transposed) const {
    const int64_t inner = arguments.inner;
    const int64_t count = std::min(kTransposedRows, arguments.rows - start);
    s2s::TransposeTo(s2s::TransposeOf(arguments.input + start * inner, inner), inner, count,
                     MatrixView<Element>{transposed.data + start, transposed.stride});
    if (start + count < arguments.rows) return;
    for (int64_t row = 0; row < inner; ++row)
      std::fill(transposed[row] + arguments.rows, transposed[row] + padded_rows_, Element{0});
  }

  int64_t padded_rows_;
  Activation activation_;
};

#define REGISTER(T)                                                                \
  REGISTER_KERNEL_BUILDER(                                                         \
      Name("S2sLinearGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
      LinearGradOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
