// S2sPack and S2sPackedMatMul: products with one and the same matrix, step after step, whose layout
// is changed only once.
#include <algorithm>

#include "numbers.h"
#include "packed_slices.h"
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
    .Doc(
        "The matrix [inner, columns], or [columns, inner] where it is transposed, for "
        "S2sPackedMatMul on this processor; the numbers in it mean nothing else.");

REGISTER_OP("S2sPackedMatMul")
    .Input("left: float")
    .Input("packed: int32")
    .Input("bias: float")
    .Output("product: float")
    .Attr("columns: int")
    .Attr("low_precision: bool = false")
    .Attr("tanh: bool = false")
    .Doc(
        "left [rows, inner] times the packed matrix, plus the bias [columns], which may be empty; "
        "the hyperbolic tangent of it with tanh.");

namespace {

class PackOp : public tensorflow::OpKernel {
 public:
  explicit PackOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("transposed", &transposed_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &half_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2 && matrix.NumElements() > 0,
                tensorflow::errors::InvalidArgument("matrix must be a matrix"));
    const int64_t stride = matrix.dim_size(1);
    const s2s::Slices slices(matrix.dim_size(transposed_ ? 1 : 0),
                             matrix.dim_size(transposed_ ? 0 : 1), half_);
    s2s::Guard(context, [&] {
      Tensor* packed = nullptr;
      OP_REQUIRES_OK(context,
                     context->allocate_output(
                         0, {static_cast<int64_t>(slices.Size() / sizeof(int32_t))}, &packed));
      int32_t* memory = packed->flat<int32_t>().data();
      const float* data = matrix.flat<float>().data();
      s2s::ForEach(context, slices.count, [&](int slice) {
        const int64_t start = slices.Start(slice);
        slices.At(slice, memory)
            .Pack(transposed_ ? s2s::Strided{data + start * stride, 1, stride}
                              : s2s::Strided{data + start, stride, 1});
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
    OP_REQUIRES_OK(context, context->GetAttr("tanh", &tanh_));
    OP_REQUIRES(context, columns_ > 0,
                tensorflow::errors::InvalidArgument("columns must be more than 0"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &packed = context->input(1), &bias = context->input(2);
    OP_REQUIRES(context, left.dims() == 2 && left.dim_size(1) > 0,
                tensorflow::errors::InvalidArgument("left must be a matrix"));
    OP_REQUIRES(context, bias.NumElements() == 0 || bias.NumElements() == columns_,
                tensorflow::errors::InvalidArgument("the bias needs a number for each column"));
    const int64_t rows = left.dim_size(0), inner = left.dim_size(1);
    Tensor* product = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, columns_}, &product));
    const float* from = left.flat<float>().data();
    const float* added = bias.NumElements() == 0 ? nullptr : bias.flat<float>().data();
    float* to = product->flat<float>().data();
    s2s::Guard(context, [&] {
      const s2s::Slices slices(inner, columns_, half_);
      OP_REQUIRES(context, packed.NumElements() * sizeof(int32_t) == slices.Size(),
                  tensorflow::errors::InvalidArgument("the packed matrix has another shape"));
      const int32_t* memory = packed.flat<int32_t>().data();
      s2s::ForEachSliceProduct(
          context, slices, memory, from, rows,
          [&](int slice, int64_t start, int64_t count, const float* result) {
            const int64_t first = slices.Start(slice), width = slices.Columns(slice);
            for (int64_t row = 0; row < count; ++row) {
              float* target = to + (start + row) * columns_ + first;
              for (int64_t column = 0; column < width; ++column)
                target[column] = result[row * width + column] +
                                 (added == nullptr ? 0.0f : added[first + column]);
              if (!tanh_) continue;
#pragma omp simd
              for (int64_t column = 0; column < width; ++column)
                target[column] = s2s::Tanh(target[column]);
            }
          });
    });
  }

 private:
  int64_t columns_;
  bool half_, tanh_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPack").Device(tensorflow::DEVICE_CPU), PackOp);
REGISTER_KERNEL_BUILDER(Name("S2sPackedMatMul").Device(tensorflow::DEVICE_CPU), PackedMatMulOp);

}  // namespace
