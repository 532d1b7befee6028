// S2sMatMul and S2sBatchMatMul: float32 matrix products with the results of TensorFlow's MatMul and
// BatchMatMulV2, for processors on which sgemm.h is faster than both.
//
// S2sMatMul: a [rows, inner] and b [inner, columns] to product [rows, columns].
// S2sBatchMatMul: the same with a leading dimension [batch]. With transpose_a or transpose_b, the
// last two dimensions of that factor are swapped.
#include <algorithm>
#include <mutex>
#include <utility>

#include "op_tensors.h"
#include "parallel.h"
#include "sgemm.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sMatMul")
    .Input("a: float")
    .Input("b: float")
    .Output("product: float")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Doc("The product of two matrices, like TensorFlow's MatMul.");

REGISTER_OP("S2sBatchMatMul")
    .Input("a: float")
    .Input("b: float")
    .Output("product: float")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Doc("The products of a batch of pairs of matrices, like TensorFlow's BatchMatMulV2.");

namespace {

// Rows of the left factor in a block: with 256 of their columns, half the second-level cache of a
// core.
constexpr int64_t kMaxBlockRows = 192;
// Columns of the right factor that a thread packs at a time.
constexpr int64_t kPackedColumns = 256;

// A factor [rows, columns] or [batch, rows, columns], after its transposition.
struct Factor {
  Factor(const Tensor& tensor, bool transposed)
      : batch(tensor.dims() == 3 ? tensor.dim_size(0) : 1),
        rows(tensor.dim_size(tensor.dims() - 2)),
        columns(tensor.dim_size(tensor.dims() - 1)),
        transposed(transposed),
        data(tensor.flat<float>().data()) {
    if (transposed) std::swap(rows, columns);
  }

  s2s::StridedMatrix At(int64_t index) const {
    const float* matrix = data + index * rows * columns;
    return transposed ? s2s::TransposeOf(matrix, rows) : s2s::RowMajor(matrix, columns);
  }

  int64_t batch;
  int64_t rows;
  int64_t columns;
  bool transposed;
  const float* data;
};

// Checks the factors and allocates the product of both ops.
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
        tensorflow::errors::InvalidArgument("a and b must have ", dimensions, " dimensions"));
    const Factor left(context->input(0), transpose_a_);
    const Factor right(context->input(1), transpose_b_);
    OP_REQUIRES(
        context, left.columns > 0 && left.columns == right.rows && left.batch == right.batch,
        tensorflow::errors::InvalidArgument("a and b must agree in the inner dimension, which must "
                                            "not be 0, and in the batch"));
    const TensorShape shape = dimensions == 2 ? TensorShape({left.rows, right.columns})
                                              : TensorShape({left.batch, left.rows, right.columns});
    float* product = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, shape, &product));
    if (shape.num_elements() == 0) return;
    s2s::RunWithErrors(context, [&] { Multiply(context, left, right, product); });
  }

 protected:
  virtual int Dimensions() const = 0;
  virtual void Multiply(OpKernelContext* context, const Factor& left, const Factor& right,
                        float* product) = 0;

 private:
  bool transpose_a_;
  bool transpose_b_;
};

// Threads share the rows of the product.
class MatMulOp : public ProductOp {
 public:
  using ProductOp::ProductOp;

 protected:
  int Dimensions() const override { return 2; }

  void Multiply(OpKernelContext* context, const Factor& a, const Factor& b,
                float* product) override {
    const int64_t rows = a.rows;
    const int64_t inner = a.columns;
    const int64_t columns = b.columns;
    const s2s::StridedMatrix left = a.At(0);
    const s2s::StridedMatrix right = b.At(0);
    static s2s::ScratchBuffer buffer;
    std::lock_guard<std::mutex> lock(s2s::SharedBufferMutex());
    float* packed = buffer.Get<float>(s2s::PackedFloats(inner, columns));
    s2s::ParallelForBlocks(context, columns, kPackedColumns, [&](int64_t start, int64_t end) {
      s2s::PackFloats(right.From(0, start), inner, end - start,
                      s2s::PackedColumn(packed, inner, start));
    });
    const s2s::MatrixView<float> result{product, columns};
    const int64_t block_rows = BlockRows(rows, s2s::ThreadCount(context));
    s2s::ParallelForBlocks(context, rows, block_rows, [&](int64_t start, int64_t end) {
      s2s::Sgemm(left.From(start, 0), packed, end - start, inner, columns, result[start]);
    });
  }

 private:
  // The same number of blocks for each thread, each a whole number of tiles.
  static int64_t BlockRows(int64_t rows, int64_t threads) {
    const int64_t blocks_per_thread = s2s::CeilDiv(rows, threads * kMaxBlockRows);
    return s2s::RoundUp(s2s::CeilDiv(rows, threads * blocks_per_thread), s2s::kTileRows);
  }
};

// Threads share the pairs of matrices.
class BatchMatMulOp : public ProductOp {
 public:
  using ProductOp::ProductOp;

 protected:
  int Dimensions() const override { return 3; }

  void Multiply(OpKernelContext* context, const Factor& left, const Factor& right,
                float* product) override {
    const s2s::BatchView<float> result{product, left.rows, right.columns};
    s2s::ParallelFor(context, left.batch, [&](int64_t index) {
      thread_local s2s::ScratchBuffer buffer;
      float* packed = buffer.Get<float>(s2s::PackedFloats(right.rows, right.columns));
      s2s::PackFloats(right.At(index), right.rows, right.columns, packed);
      s2s::Sgemm(left.At(index), packed, left.rows, left.columns, right.columns,
                 result[index].data);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sMatMul").Device(tensorflow::DEVICE_CPU), MatMulOp);
REGISTER_KERNEL_BUILDER(Name("S2sBatchMatMul").Device(tensorflow::DEVICE_CPU), BatchMatMulOp);

}  // namespace
