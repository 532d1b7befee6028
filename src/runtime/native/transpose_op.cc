// S2sTranspose: for right factors that are given transposed. TensorFlow's product of many rows with
// such a one, where it is deeper than wide, takes longer than to turn it first.
#include <algorithm>

#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "turn.h"

using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sTranspose")
    .Input("matrix: float")
    .Output("transposed: float")
    .Doc("The transpose of a matrix.");

namespace {

// Rows of the result in one piece of work.
constexpr int64_t kRows = 128;

class TransposeOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2,
                tensorflow::errors::InvalidArgument("matrix must be a matrix"));
    const int64_t rows = matrix.dim_size(1), columns = matrix.dim_size(0);
    Tensor* transposed = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, columns}, &transposed));
    const float* from = matrix.flat<float>().data();
    float* to = transposed->flat<float>().data();
    s2s::ForEachPiece(context, rows, kRows, [&](int64_t start, int64_t end) {
      s2s::Turn(s2s::Strided{from + start, 1, rows}, end - start, columns, to + start * columns);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sTranspose").Device(tensorflow::DEVICE_CPU), TransposeOp);

}  // namespace
