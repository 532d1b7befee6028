// S2sPack and S2sPackedMatMul: products of few rows with the same matrix in every decoding step.
// The matrix is packed once, because changing its layout takes as long as such a product.
//
// S2sPack: matrix [inner, columns], or [columns, inner] if transposed, to packed [bytes / 4].
// S2sPackedMatMul: left [rows, inner], packed and bias [columns] or [0] to product [rows, columns].
#include "activation.h"
#include "op_tensors.h"
#include "packed_slices.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::Dtype;
using s2s::MatrixView;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sPack")
    .Input("matrix: float")
    .Output("packed: int32")
    .Attr("transposed: bool = false")
    .Attr("low_precision: bool = false")
    .Doc(
        "Packs a matrix [inner, columns], or [columns, inner] if transposed, for S2sPackedMatMul "
        "and S2sPackedBestTokens on this processor. The elements have no meaning for other ops. "
        "With low_precision, factors are rounded to bfloat16.");

REGISTER_OP("S2sPackedMatMul")
    .Input("left: float")
    .Input("packed: int32")
    .Input("bias: float")
    .Output("product: float")
    .Attr("columns: int")
    .Attr("low_precision: bool = false")
    .Attr("activation: string = 'none'")
    .Doc(
        "Multiplies left [rows, inner] with the packed matrix, adds the bias [columns] unless it "
        "is empty, and applies the activation.");

namespace {

absl::Status GetDtype(OpKernelConstruction* context, Dtype* dtype) {
  bool low_precision = false;
  TF_RETURN_IF_ERROR(context->GetAttr("low_precision", &low_precision));
  *dtype = low_precision ? Dtype::kBfloat16 : Dtype::kFloat32;
  return absl::OkStatus();
}

class PackOp : public tensorflow::OpKernel {
 public:
  explicit PackOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("transposed", &transposed_));
    OP_REQUIRES_OK(context, GetDtype(context, &dtype_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    OP_REQUIRES(context, input.dims() == 2 && input.NumElements() > 0,
                tensorflow::errors::InvalidArgument("matrix must have 2 dimensions, none of 0"));
    const int64_t inner = input.dim_size(transposed_ ? 1 : 0);
    const int64_t columns = input.dim_size(transposed_ ? 0 : 1);
    const float* data = s2s::InputData<float>(context, 0);
    const s2s::StridedMatrix matrix =
        transposed_ ? s2s::TransposeOf(data, inner) : s2s::RowMajor(data, columns);
    s2s::RunWithErrors(context, [&] {
      const s2s::PackedSlices slices(inner, columns, dtype_);
      const auto size = static_cast<int64_t>(slices.Size() / sizeof(int32_t));
      int32_t* packed = nullptr;
      OP_REQUIRES_OK(context, s2s::AllocateOutput<int32_t>(context, 0, {size}, &packed));
      s2s::ParallelFor(context, slices.count, [&](int64_t slice) {
        slices.At(slice, packed).Pack(matrix.From(0, slices.FirstColumn(slice)));
      });
    });
  }

 private:
  bool transposed_;
  Dtype dtype_;
};

class PackedMatMulOp : public tensorflow::OpKernel {
 public:
  explicit PackedMatMulOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("columns", &columns_));
    OP_REQUIRES_OK(context, GetDtype(context, &dtype_));
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
    OP_REQUIRES(context, columns_ > 0,
                tensorflow::errors::InvalidArgument("columns must be greater than 0"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& left = context->input(0);
    const Tensor& packed = context->input(1);
    const Tensor& bias = context->input(2);
    OP_REQUIRES(context, left.dims() == 2 && left.dim_size(1) > 0,
                tensorflow::errors::InvalidArgument("left must be [rows, inner]"));
    OP_REQUIRES(context, bias.NumElements() == 0 || bias.NumElements() == columns_,
                tensorflow::errors::InvalidArgument("bias must be [columns] or empty"));
    const int64_t rows = left.dim_size(0);
    const int64_t inner = left.dim_size(1);
    float* product = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, columns_}, &product));
    s2s::RunWithErrors(context, [&] {
      const s2s::PackedSlices slices(inner, columns_, dtype_);
      OP_REQUIRES(context, packed.NumElements() * sizeof(int32_t) == slices.Size(),
                  tensorflow::errors::InvalidArgument(
                      "packed must be made by S2sPack from a matrix [inner, columns]"));
      const MatrixView<float> result{product, columns_};
      const MatrixView<const float> left_rows{s2s::InputData<float>(context, 0), inner};
      const float* bias_data =
          bias.NumElements() == 0 ? nullptr : s2s::InputData<float>(context, 2);
      s2s::ForEachProductBlock(
          context, slices, s2s::InputData<int32_t>(context, 1), left_rows, rows,
          [&](const s2s::ProductBlock& block) { WriteBlock(block, bias_data, result); });
    });
  }

 private:
  // Here rather than in another op, while the block is in the cache.
  void WriteBlock(const s2s::ProductBlock& block, const float* bias,
                  const MatrixView<float>& result) const {
    const float* block_bias = bias == nullptr ? nullptr : bias + block.first_column;
    for (int64_t row = 0; row < block.rows; ++row) {
      float* target = result[block.first_row + row] + block.first_column;
      s2s::Activate(activation_, block.values[row], block_bias, block.columns, nullptr, target);
    }
  }

  int64_t columns_;
  Dtype dtype_;
  s2s::Activation activation_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPack").Device(tensorflow::DEVICE_CPU), PackOp);
REGISTER_KERNEL_BUILDER(Name("S2sPackedMatMul").Device(tensorflow::DEVICE_CPU), PackedMatMulOp);

}  // namespace
