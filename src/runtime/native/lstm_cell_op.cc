// S2sLstmCell and S2sLstmCellGrad: the pointwise part of a single LSTM step.
#include "lstm_cell.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

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
        "The sums of the gates are projected + recurrent, each [rows, 4 * hidden]; gates are for "
        "the gradient.");

REGISTER_OP("S2sLstmCellGrad")
    .Input("cell: float")
    .Input("next_cell: float")
    .Input("gates: float")
    .Input("d_hidden: float")
    .Input("d_next_cell: float")
    .Output("d_sums: float")
    .Output("d_cell: float")
    .Doc("d_sums is the gradient of projected and of recurrent.");

namespace {

// Rows in one piece of work.
constexpr int64_t kRows = 16;

void ForRows(OpKernelContext* context, int64_t rows, const std::function<void(int64_t)>& work) {
  s2s::ForEachPiece(context, rows, kRows, [&](int64_t start, int64_t end) {
    for (int64_t row = start; row < end; ++row) work(row);
  });
}

const float* Data(OpKernelContext* context, int input) {
  return context->input(input).flat<float>().data();
}

class LstmCellOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(2).dims() == 2,
                tensorflow::errors::InvalidArgument("cell must be [rows, hidden]"));
    const int64_t rows = context->input(2).dim_size(0), hidden = context->input(2).dim_size(1);
    for (int input : {0, 1})
      OP_REQUIRES(context, context->input(input).shape() == TensorShape({rows, 4 * hidden}),
                  tensorflow::errors::InvalidArgument(
                      "projected and recurrent must be [rows, 4 * hidden]"));
    Tensor *next_hidden = nullptr, *next_cell = nullptr, *gates = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, hidden}, &next_hidden));
    OP_REQUIRES_OK(context, context->allocate_output(1, {rows, hidden}, &next_cell));
    OP_REQUIRES_OK(context, context->allocate_output(2, {rows, 4 * hidden}, &gates));
    const float *projected = Data(context, 0), *recurrent = Data(context, 1),
                *cell = Data(context, 2);
    float *to_hidden = next_hidden->flat<float>().data(),
          *to_cell = next_cell->flat<float>().data(), *to_gates = gates->flat<float>().data();
    ForRows(context, rows, [&](int64_t row) {
      s2s::CellForward<false, true>(hidden, projected + row * 4 * hidden, nullptr,
                                    recurrent + row * 4 * hidden, cell + row * hidden,
                                    to_gates + row * 4 * hidden, to_cell + row * hidden,
                                    to_hidden + row * hidden);
    });
  }
};

class LstmCellGradOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    OP_REQUIRES(context, context->input(0).dims() == 2,
                tensorflow::errors::InvalidArgument("cell must be [rows, hidden]"));
    const int64_t rows = context->input(0).dim_size(0), hidden = context->input(0).dim_size(1);
    for (int input : {1, 3, 4})
      OP_REQUIRES(context, context->input(input).shape() == TensorShape({rows, hidden}),
                  tensorflow::errors::InvalidArgument("states must be [rows, hidden]"));
    OP_REQUIRES(context, context->input(2).shape() == TensorShape({rows, 4 * hidden}),
                tensorflow::errors::InvalidArgument("gates must be [rows, 4 * hidden]"));
    Tensor *d_sums = nullptr, *d_cell = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, 4 * hidden}, &d_sums));
    OP_REQUIRES_OK(context, context->allocate_output(1, {rows, hidden}, &d_cell));
    const float *cell = Data(context, 0), *next_cell = Data(context, 1), *gates = Data(context, 2),
                *d_hidden = Data(context, 3), *d_next_cell = Data(context, 4);
    float *to_sums = d_sums->flat<float>().data(), *to_cell = d_cell->flat<float>().data();
    ForRows(context, rows, [&](int64_t row) {
      const int64_t at = row * hidden;
      s2s::CellBackward<false>(hidden, gates + 4 * at, cell + at, next_cell + at, d_hidden + at,
                               nullptr, d_next_cell + at, to_sums + 4 * at, to_cell + at);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sLstmCell").Device(tensorflow::DEVICE_CPU), LstmCellOp);
REGISTER_KERNEL_BUILDER(Name("S2sLstmCellGrad").Device(tensorflow::DEVICE_CPU), LstmCellGradOp);

}  // namespace
