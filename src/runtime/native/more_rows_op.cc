// S2sMoreRows: a matrix in the number format of products, with rows of zeros behind its own. oneDNN compiles code for every shape of
// product, and TensorFlow keeps it: a third of a megabyte each in bfloat16.
#include <algorithm>

#include "number_type.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sMoreRows")
    .Input("matrix: float")
    .Output("result: T")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Doc("The matrix as T, and below it as many rows of zeros as make `rows`.");

namespace {

// Elements in one piece of work.
constexpr int64_t kElements = 1 << 15;

template <typename T>
class MoreRowsOp : public tensorflow::OpKernel {
 public:
  explicit MoreRowsOp(OpKernelConstruction* context) : OpKernel(context) { OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_)); }

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2 && matrix.dim_size(0) <= rows_, tensorflow::errors::InvalidArgument("matrix must be a matrix of at most `rows` rows"));
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

#define REGISTER(T) REGISTER_KERNEL_BUILDER(Name("S2sMoreRows").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), MoreRowsOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
