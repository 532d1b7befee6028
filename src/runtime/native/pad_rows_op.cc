// S2sPadRows: a matrix cast to the dtype of products and padded with zero rows. oneDNN compiles
// code for each shape of product, and TensorFlow keeps it: a third of a megabyte per shape in
// bfloat16.
#include <algorithm>

#include "number_type.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sPadRows")
    .Input("matrix: float")
    .Output("result: T")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Doc("The matrix cast to T and padded with zero rows to `rows` rows.");

namespace {

// Elements in one piece of work.
constexpr int64_t kElements = 1 << 15;

template <typename T>
class PadRowsOp : public tensorflow::OpKernel {
 public:
  explicit PadRowsOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(
        context, matrix.dims() == 2 && matrix.dim_size(0) <= rows_,
        tensorflow::errors::InvalidArgument("matrix must be a matrix of at most `rows` rows"));
    Tensor* result = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows_, matrix.dim_size(1)}, &result));
    using Number = s2s::NumberType<T>;
    const float* from = matrix.flat<float>().data();
    Number* to = reinterpret_cast<Number*>(result->flat<T>().data());
    const int64_t count = matrix.NumElements();
    s2s::ForEachPiece(context, count, kElements, [&](int64_t start, int64_t end) {
#pragma omp simd
      for (int64_t i = start; i < end; ++i) to[i] = s2s::FromFloat<Number>(from[i]);
    });
    std::fill(to + count, to + result->NumElements(), Number{0});
  }

 private:
  int64_t rows_;
};

#define REGISTER(T)        \
  REGISTER_KERNEL_BUILDER( \
      Name("S2sPadRows").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), PadRowsOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
