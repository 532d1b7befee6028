// S2sLstmCell and S2sLstmCellGrad: the elementwise part of a single LSTM step (lstm_cell.h).
//
// S2sLstmCell: projected and recurrent [rows, 4 * hidden] and cell [rows, hidden] to hidden and
// next_cell [rows, hidden] and gates [rows, 4 * hidden].
// S2sLstmCellGrad: cell, next_cell, gates, d_hidden and d_next_cell to d_preactivations [rows, 4 *
// hidden] and d_cell [rows, hidden].
#include "lstm_cell.h"
#include "matrix_view.h"
#include "op_rows.h"
#include "op_tensors.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::MatrixView;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLstmCell")
    .Input("projected: float")
    .Input("recurrent: float")
    .Input("cell: float")
    .Output("hidden: float")
    .Output("next_cell: float")
    .Output("gates: float")
    .Doc(
        "The pre-activations of the gates are projected + recurrent, each [rows, 4 * hidden]; the "
        "gates are for the gradient.");

REGISTER_OP("S2sLstmCellGrad")
    .Input("cell: float")
    .Input("next_cell: float")
    .Input("gates: float")
    .Input("d_hidden: float")
    .Input("d_next_cell: float")
    .Output("d_preactivations: float")
    .Output("d_cell: float")
    .Doc("d_preactivations is the gradient of projected and of recurrent.");

namespace {

class LstmCellOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(2).dims() == 2,
                tensorflow::errors::InvalidArgument("cell must be [rows, hidden]"));
    const int64_t rows = context->input(2).dim_size(0);
    const int64_t hidden = context->input(2).dim_size(1);
    for (int input : {0, 1}) {
      OP_REQUIRES_OK(context,
                     s2s::CheckShape(context, input, TensorShape({rows, 4 * hidden}),
                                     "projected and recurrent must be [rows, 4 * hidden]"));
    }
    MatrixView<float> next_hidden;
    MatrixView<float> next_cell;
    MatrixView<float> gates;
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 0, rows, hidden, &next_hidden));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 1, rows, hidden, &next_cell));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 2, rows, 4 * hidden, &gates));
    const MatrixView<const float> projected = s2s::InputRows(context, 0, 4 * hidden);
    const MatrixView<const float> recurrent = s2s::InputRows(context, 1, 4 * hidden);
    const MatrixView<const float> cell = s2s::InputRows(context, 2, hidden);
    s2s::ParallelForRows(context, rows, [&](int64_t row) {
      const s2s::CellInputs<float> inputs{projected[row], nullptr, recurrent[row], cell[row]};
      s2s::CellForward<false, true>(hidden, inputs, {gates[row], next_cell[row], next_hidden[row]});
    });
  }
};

class LstmCellGradOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(0).dims() == 2,
                tensorflow::errors::InvalidArgument("cell must be [rows, hidden]"));
    const int64_t rows = context->input(0).dim_size(0);
    const int64_t hidden = context->input(0).dim_size(1);
    for (int input : {1, 3, 4}) {
      OP_REQUIRES_OK(context,
                     s2s::CheckShape(context, input, TensorShape({rows, hidden}),
                                     "next_cell, d_hidden and d_next_cell must be [rows, hidden]"));
    }
    OP_REQUIRES_OK(context, s2s::CheckShape(context, 2, TensorShape({rows, 4 * hidden}),
                                            "gates must be [rows, 4 * hidden]"));
    MatrixView<float> d_preactivations;
    MatrixView<float> d_cell;
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 0, rows, 4 * hidden, &d_preactivations));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 1, rows, hidden, &d_cell));
    const MatrixView<const float> cell = s2s::InputRows(context, 0, hidden);
    const MatrixView<const float> next_cell = s2s::InputRows(context, 1, hidden);
    const MatrixView<const float> gates = s2s::InputRows(context, 2, 4 * hidden);
    const MatrixView<const float> d_hidden = s2s::InputRows(context, 3, hidden);
    const MatrixView<const float> d_next_cell = s2s::InputRows(context, 4, hidden);
    s2s::ParallelForRows(context, rows, [&](int64_t row) {
      const s2s::CellGradInputs inputs{gates[row],    cell[row], next_cell[row],
                                       d_hidden[row], nullptr,   d_next_cell[row]};
      const s2s::CellGradOutputs<float> outputs{d_preactivations[row], d_cell[row]};
      s2s::CellBackward<false>(hidden, inputs, outputs);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sLstmCell").Device(tensorflow::DEVICE_CPU), LstmCellOp);
REGISTER_KERNEL_BUILDER(Name("S2sLstmCellGrad").Device(tensorflow::DEVICE_CPU), LstmCellGradOp);

}  // namespace
