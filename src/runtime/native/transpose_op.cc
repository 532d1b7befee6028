// S2sTranspose: transposes right factors. TensorFlow's product of many rows with a transposed right
// factor that is deeper than wide takes longer than this op and a product without transposition.
//
// matrix [columns, rows] to transposed [rows, columns].
#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "transpose.h"

using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sTranspose")
    .Input("matrix: float")
    .Output("transposed: float")
    .Doc("The transpose of a matrix.");

namespace {

// Of the result.
constexpr int64_t kBlockRows = 128;

class TransposeOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor& matrix = context->input(0);
    OP_REQUIRES(context, matrix.dims() == 2,
                tensorflow::errors::InvalidArgument("matrix must have 2 dimensions"));
    const int64_t rows = matrix.dim_size(1);
    const int64_t columns = matrix.dim_size(0);
    float* transposed = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, columns}, &transposed));
    const s2s::StridedMatrix view = s2s::TransposeOf(s2s::InputData<float>(context, 0), rows);
    s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
      s2s::TransposeTo(view.From(start, 0), end - start, columns,
                       s2s::MatrixView<float>{transposed + start * columns, columns});
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sTranspose").Device(tensorflow::DEVICE_CPU), TransposeOp);

}  // namespace
