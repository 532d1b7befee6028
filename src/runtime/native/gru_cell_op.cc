// S2sGruCell and S2sGruCellGrad: the elementwise part of a single GRU step (gru_cell.h).
//
// S2sGruCell: projected and recurrent [rows, 3 * hidden] and hidden [rows, hidden] to next_hidden
// [rows, hidden] and gates [rows, 4 * hidden].
// S2sGruCellGrad: hidden, gates and d_next_hidden to d_projected and d_recurrent [rows, 3 * hidden]
// and d_hidden [rows, hidden].
#include "gru_cell.h"
#include "matrix_view.h"
#include "op_rows.h"
#include "op_tensors.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::MatrixView;
using tensorflow::OpKernelContext;
using tensorflow::TensorShape;

REGISTER_OP("S2sGruCell")
    .Input("projected: float")
    .Input("recurrent: float")
    .Input("hidden: float")
    .Output("next_hidden: float")
    .Output("gates: float")
    .Doc(
        "projected and recurrent are [rows, 3 * hidden] and contain their biases; the gates are "
        "for the gradient.");

REGISTER_OP("S2sGruCellGrad")
    .Input("hidden: float")
    .Input("gates: float")
    .Input("d_next_hidden: float")
    .Output("d_projected: float")
    .Output("d_recurrent: float")
    .Output("d_hidden: float")
    .Doc("d_hidden is the part of the gradient that does not pass through `recurrent`.");

namespace {

class GruCellOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(2).dims() == 2,
                tensorflow::errors::InvalidArgument("hidden must be [rows, hidden]"));
    const int64_t rows = context->input(2).dim_size(0);
    const int64_t hidden = context->input(2).dim_size(1);
    for (int input : {0, 1}) {
      OP_REQUIRES_OK(context,
                     s2s::CheckShape(context, input, TensorShape({rows, 3 * hidden}),
                                     "projected and recurrent must be [rows, 3 * hidden]"));
    }
    MatrixView<float> next;
    MatrixView<float> gates;
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 0, rows, hidden, &next));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 1, rows, 4 * hidden, &gates));
    const MatrixView<const float> projected = s2s::InputRows(context, 0, 3 * hidden);
    const MatrixView<const float> recurrent = s2s::InputRows(context, 1, 3 * hidden);
    const MatrixView<const float> state = s2s::InputRows(context, 2, hidden);
    s2s::ParallelForRows(context, rows, [&](int64_t row) {
      const s2s::GruInputs<float> inputs{projected[row], nullptr, recurrent[row], nullptr,
                                         state[row]};
      s2s::GruForward<false, true>(hidden, inputs, {gates[row], next[row]});
    });
  }
};

class GruCellGradOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(0).dims() == 2,
                tensorflow::errors::InvalidArgument("hidden must be [rows, hidden]"));
    const int64_t rows = context->input(0).dim_size(0);
    const int64_t hidden = context->input(0).dim_size(1);
    OP_REQUIRES_OK(context, s2s::CheckShape(context, 1, TensorShape({rows, 4 * hidden}),
                                            "gates must be [rows, 4 * hidden]"));
    OP_REQUIRES_OK(context, s2s::CheckShape(context, 2, TensorShape({rows, hidden}),
                                            "d_next_hidden must be [rows, hidden]"));
    MatrixView<float> d_projected;
    MatrixView<float> d_recurrent;
    MatrixView<float> d_hidden;
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 0, rows, 3 * hidden, &d_projected));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 1, rows, 3 * hidden, &d_recurrent));
    OP_REQUIRES_OK(context, s2s::AllocateRows(context, 2, rows, hidden, &d_hidden));
    const MatrixView<const float> state = s2s::InputRows(context, 0, hidden);
    const MatrixView<const float> gates = s2s::InputRows(context, 1, 4 * hidden);
    const MatrixView<const float> d_next = s2s::InputRows(context, 2, hidden);
    s2s::ParallelForRows(context, rows, [&](int64_t row) {
      const s2s::GruGradInputs inputs{gates[row], state[row], d_next[row], nullptr};
      s2s::GruBackward<false>(
          hidden, inputs,
          s2s::GruGradOutputs<float>{d_projected[row], d_recurrent[row], d_hidden[row]});
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sGruCell").Device(tensorflow::DEVICE_CPU), GruCellOp);
REGISTER_KERNEL_BUILDER(Name("S2sGruCellGrad").Device(tensorflow::DEVICE_CPU), GruCellGradOp);

}  // namespace
