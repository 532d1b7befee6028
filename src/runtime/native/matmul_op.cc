// S2sMatMul and S2sBatchMatMul: matrix products in float32, for processors for which
// float_product.h is faster than TensorFlow's own.
#include <algorithm>
#include <mutex>
#include <utility>

#include "float_product.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sMatMul")
    .Input("a: float")
    .Input("b: float")
    .Output("product: float")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Doc("The product of two matrices, as TensorFlow's MatMul gives it.");

REGISTER_OP("S2sBatchMatMul")
    .Input("a: float")
    .Input("b: float")
    .Output("product: float")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Doc("The products of as many pairs of matrices, as TensorFlow's BatchMatMulV2 gives them.");

namespace {

// Most rows of the left factor that a thread multiplies at once: with some 256 of their columns,
// half the second cache of a core.
constexpr int64_t kMostRows = 192;
// Columns of the right factor that a thread lays out at once.
constexpr int64_t kPackedColumns = 256;

// A factor, of which the last two dimensions are those of a matrix.
struct Factor {
  Factor(const Tensor& tensor, bool transposed)
      : count(tensor.dims() == 3 ? tensor.dim_size(0) : 1),
        rows(tensor.dim_size(tensor.dims() - 2)),
        columns(tensor.dim_size(tensor.dims() - 1)),
        transposed(transposed),
        data(tensor.flat<float>().data()) {
    if (transposed) std::swap(rows, columns);
  }
  s2s::Strided At(int64_t index) const {
    return {data + index * rows * columns, transposed ? 1 : columns, transposed ? rows : 1};
  }

  int64_t count, rows, columns;
  bool transposed;
  const float* data;
};

class ProductOp : public tensorflow::OpKernel {
 public:
  explicit ProductOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("transpose_a", &transpose_a_));
    OP_REQUIRES_OK(context, context->GetAttr("transpose_b", &transpose_b_));
  }

  void Compute(OpKernelContext* context) override {
    const int dimensions = Dimensions();
    OP_REQUIRES(
        context, context->input(0).dims() == dimensions && context->input(1).dims() == dimensions,
        tensorflow::errors::InvalidArgument("the factors have the wrong number of dimensions"));
    const Factor left(context->input(0), transpose_a_), right(context->input(1), transpose_b_);
    OP_REQUIRES(context,
                left.columns > 0 && left.columns == right.rows && left.count == right.count,
                tensorflow::errors::InvalidArgument("the factors do not fit together"));
    Tensor* product = nullptr;
    const auto shape = dimensions == 2
                           ? tensorflow::TensorShape({left.rows, right.columns})
                           : tensorflow::TensorShape({left.count, left.rows, right.columns});
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &product));
    if (product->NumElements() == 0) return;
    s2s::Guard(context, [&] { Multiply(context, left, right, product->flat<float>().data()); });
  }

 protected:
  virtual int Dimensions() const = 0;
  virtual void Multiply(OpKernelContext* context, const Factor& left, const Factor& right,
                        float* result) = 0;

 private:
  bool transpose_a_, transpose_b_;
};

// The threads share the rows of one product.
class MatMulOp : public ProductOp {
 public:
  using ProductOp::ProductOp;

 protected:
  int Dimensions() const override { return 2; }

  void Multiply(OpKernelContext* context, const Factor& a, const Factor& b,
                float* result) override {
    const int64_t rows = a.rows, inner = a.columns, columns = b.columns;
    const auto left = a.At(0), right = b.At(0);
    static s2s::Buffer buffer;
    std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
    float* packed = buffer.Get<float>(s2s::PackedFloats(inner, columns));
    s2s::ForEachPiece(context, columns, kPackedColumns, [&](int64_t start, int64_t end) {
      s2s::PackFloats(
          {right.data + start * right.column_stride, right.row_stride, right.column_stride}, inner,
          end - start, packed + start * inner);
    });
    // As many blocks for each thread, of a number of rows that fills tiles.
    const int64_t threads = s2s::Threads(context),
                  rounds = (rows + threads * kMostRows - 1) / (threads * kMostRows);
    const int64_t block =
        ((rows + threads * rounds - 1) / (threads * rounds) + s2s::kTileRows - 1) / s2s::kTileRows *
        s2s::kTileRows;
    s2s::ForEachPiece(context, rows, block, [&](int64_t start, int64_t end) {
      s2s::MultiplyFloats(
          {left.data + start * left.row_stride, left.row_stride, left.column_stride}, packed,
          end - start, inner, columns, result + start * columns);
    });
  }
};

// The threads share the pairs of matrices.
class BatchMatMulOp : public ProductOp {
 public:
  using ProductOp::ProductOp;

 protected:
  int Dimensions() const override { return 3; }

  void Multiply(OpKernelContext* context, const Factor& left, const Factor& right,
                float* result) override {
    s2s::ForEach(context, static_cast<int>(left.count), [&](int index) {
      thread_local s2s::Buffer buffer;
      float* packed = buffer.Get<float>(s2s::PackedFloats(right.rows, right.columns));
      s2s::PackFloats(right.At(index), right.rows, right.columns, packed);
      s2s::MultiplyFloats(left.At(index), packed, left.rows, left.columns, right.columns,
                          result + index * left.rows * right.columns);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sMatMul").Device(tensorflow::DEVICE_CPU), MatMulOp);
REGISTER_KERNEL_BUILDER(Name("S2sBatchMatMul").Device(tensorflow::DEVICE_CPU), BatchMatMulOp);

}  // namespace
