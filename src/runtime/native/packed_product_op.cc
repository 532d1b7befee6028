// S2sPack and S2sPackedMatMul: products with one and the same matrix, step after step, whose layout is changed only once.
#include <algorithm>

#include "numbers.h"
#include "product.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sPack")
    .Input("matrix: float")
    .Output("packed: int32")
    .Attr("transposed: bool = false")
    .Attr("low_precision: bool = false")
    .Doc("The matrix [inner, columns], or [columns, inner] where it is transposed, for S2sPackedMatMul on this processor; the numbers in it mean nothing else.");

REGISTER_OP("S2sPackedMatMul")
    .Input("left: float")
    .Input("packed: int32")
    .Input("bias: float")
    .Output("product: float")
    .Attr("columns: int")
    .Attr("low_precision: bool = false")
    .Doc("left [rows, inner] times the packed matrix, plus the bias [columns], which may be empty.");

namespace {

// The matrix is packed in slices of columns, which fit into the second cache of a core and let threads share the work of a
// single row.
constexpr int64_t kSliceColumns = 256;
// Most rows that a thread multiplies at once.
constexpr int64_t kBlockRows = 256;
// Rows that are not worth sharing.
constexpr int64_t kFewRows = 16;

// The slices of a matrix: where each starts, in columns and in bytes.
struct Slices {
  Slices(int64_t inner, int64_t columns, bool half) : inner(inner), columns(columns), half(half), count(static_cast<int>((columns + kSliceColumns - 1) / kSliceColumns)) {}

  int64_t Start(int slice) const { return slice * kSliceColumns; }
  int64_t Columns(int slice) const { return std::min(kSliceColumns, columns - Start(slice)); }
  // All slices but the last are alike.
  size_t Offset(int slice) const { return slice == 0 ? 0 : slice * s2s::PackedMatrix::Size(inner, kSliceColumns, half); }
  size_t Size() const { return Offset(count - 1) + s2s::PackedMatrix::Size(inner, Columns(count - 1), half); }
  s2s::PackedMatrix At(int slice, const void* memory) const {
    return s2s::PackedMatrix(inner, Columns(slice), half, const_cast<char*>(static_cast<const char*>(memory)) + Offset(slice));
  }

  int64_t inner, columns;
  bool half;
  int count;
};

class PackOp : public tensorflow::OpKernel {
 public:
  explicit PackOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("transposed", &transposed_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &half_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2 && matrix.NumElements() > 0, tensorflow::errors::InvalidArgument("matrix must be a matrix"));
    const int64_t stride = matrix.dim_size(1);
    const Slices slices(matrix.dim_size(transposed_ ? 1 : 0), matrix.dim_size(transposed_ ? 0 : 1), half_);
    s2s::Guard(context, [&] {
      Tensor* packed = nullptr;
      OP_REQUIRES_OK(context, context->allocate_output(0, {static_cast<int64_t>(slices.Size() / sizeof(int32_t))}, &packed));
      int32_t* memory = packed->flat<int32_t>().data();
      const float* data = matrix.flat<float>().data();
      s2s::ForEach(context, slices.count, [&](int slice) {
        const int64_t start = slices.Start(slice);
        slices.At(slice, memory).Pack(transposed_ ? s2s::Strided{data + start * stride, 1, stride} : s2s::Strided{data + start, stride, 1});
      });
    });
  }

 private:
  bool transposed_, half_;
};

class PackedMatMulOp : public tensorflow::OpKernel {
 public:
  explicit PackedMatMulOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("columns", &columns_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &half_));
    OP_REQUIRES(context, columns_ > 0, tensorflow::errors::InvalidArgument("columns must be more than 0"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &packed = context->input(1), &bias = context->input(2);
    OP_REQUIRES(context, left.dims() == 2 && left.dim_size(1) > 0, tensorflow::errors::InvalidArgument("left must be a matrix"));
    OP_REQUIRES(context, bias.NumElements() == 0 || bias.NumElements() == columns_, tensorflow::errors::InvalidArgument("the bias needs a number for each column"));
    const int64_t rows = left.dim_size(0), inner = left.dim_size(1);
    Tensor* product = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, columns_}, &product));
    const float* from = left.flat<float>().data();
    const float* added = bias.NumElements() == 0 ? nullptr : bias.flat<float>().data();
    float* to = product->flat<float>().data();
    s2s::Guard(context, [&] {
      const Slices slices(inner, columns_, half_);
      OP_REQUIRES(context, packed.NumElements() * sizeof(int32_t) == slices.Size(), tensorflow::errors::InvalidArgument("the packed matrix has another shape"));
      const int32_t* memory = packed.flat<int32_t>().data();
      // Where there are fewer slices than threads, they share the rows too. As many in each block: small ones are slow.
      const int64_t sharing = (s2s::Threads(context) + slices.count - 1) / slices.count;
      const int64_t blocks = std::max<int64_t>({1, (rows + kBlockRows - 1) / kBlockRows, std::min(sharing, rows / kFewRows)});
      const int64_t block = s2s::PackedMatrix::RowsTouched((rows + blocks - 1) / blocks);
      // Elsewhere a slice stays in the cache of a core while the blocks of rows pass by.
      const int parts = static_cast<int>(sharing > 1 ? blocks : 1);
      s2s::ForEach(context, slices.count * parts, [&](int task) {
        const int slice = task / parts;
        const int64_t begin = sharing > 1 ? task % parts * block : 0, end = sharing > 1 ? std::min(rows, begin + block) : rows;
        const auto matrix = slices.At(slice, memory);
        const int64_t first = slices.Start(slice), width = slices.Columns(slice);
        for (int64_t start = begin; start < end; start += block) {
          const int64_t count = std::min(block, end - start);
          const float* result = Multiply(matrix, from + start * inner, count, inner, width);
          for (int64_t row = 0; row < count; ++row) {
            float* target = to + (start + row) * columns_ + first;
            for (int64_t column = 0; column < width; ++column) target[column] = result[row * width + column] + (added == nullptr ? 0.0f : added[first + column]);
          }
        }
      });
    });
  }

 private:
  // The product [count, width] of rows with the matrix, in memory of the thread. The rows are copied where they are rounded, and where
  // others beyond the last would be read.
  const float* Multiply(const s2s::PackedMatrix& matrix, const float* rows, int64_t count, int64_t inner, int64_t width) const {
    thread_local s2s::Buffer left_buffer, result_buffer;
    const int64_t touched = s2s::PackedMatrix::RowsTouched(count);
    float* result = result_buffer.Get<float>(touched * width);
    const void* left = rows;
    if (half_) {
      auto* rounded = left_buffer.Get<s2s::Half>(touched * inner);
      for (int64_t i = 0; i < count * inner; ++i) rounded[i] = s2s::ToHalf(rows[i]);
      left = rounded;
    } else if (touched != count) {
      float* copy = left_buffer.Get<float>(touched * inner);
      std::copy_n(rows, count * inner, copy);
      left = copy;
    }
    matrix.Multiply(left, count, result);
    return result;
  }

  int64_t columns_;
  bool half_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPack").Device(tensorflow::DEVICE_CPU), PackOp);
REGISTER_KERNEL_BUILDER(Name("S2sPackedMatMul").Device(tensorflow::DEVICE_CPU), PackedMatMulOp);

}  // namespace
