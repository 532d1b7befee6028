// S2sPadRows: casts a matrix to the dtype of products and pads it with zero rows, so that there are
// few shapes of products: oneDNN compiles code for each shape, and TensorFlow caches it, a third of
// a megabyte per shape in bfloat16.
//
// matrix [at most rows, columns] to result [rows, columns].
#include <algorithm>

#include "op_tensors.h"
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

constexpr int64_t kBlockElements = 1 << 15;

template <typename T>
class PadRowsOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

 public:
  explicit PadRowsOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2 && matrix.dim_size(0) <= rows_,
                tensorflow::errors::InvalidArgument(
                    "matrix must have 2 dimensions and at most `rows` rows"));
    const int64_t columns = matrix.dim_size(1);
    Element* to = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<T>(context, 0, {rows_, columns}, &to));
    const float* from = s2s::InputData<float>(context, 0);
    const int64_t count = matrix.NumElements();
    s2s::ParallelForBlocks(context, count, kBlockElements, [&](int64_t start, int64_t end) {
#pragma omp simd
      for (int64_t i = start; i < end; ++i) to[i] = s2s::FromFloat<Element>(from[i]);
    });
    std::fill(to + count, to + rows_ * columns, Element{0});
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
