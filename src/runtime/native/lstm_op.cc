// S2sLstm: an LSTM over whole sequences (lstm_cell.h); its gradient is in lstm_grad_op.cc. The
// products of the inputs with their kernel are computed for all steps before.
//
// projected [at least batch * time, 4 * hidden], bias [4 * hidden], recurrent_kernel [hidden, 4 *
// hidden], initial_hidden and initial_cell [batch, hidden] and lengths [batch] to outputs [batch,
// time, hidden], final_hidden and final_cell [batch, hidden], gates [batch, time, 4 * hidden] and
// cells [batch, time, hidden].
#include <algorithm>

#include "lstm_cell.h"
#include "matrix_view.h"
#include "op_rows.h"
#include "op_tensors.h"
#include "packed_matrix.h"
#include "recurrent_sequence.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::CheckArgument;
using s2s::CheckShape;
using s2s::InputData;
using s2s::MatrixView;
using s2s::RowRange;
using s2s::SequenceSizes;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLstm")
    .Input("projected: T")
    .Input("bias: float")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("initial_cell: float")
    .Input("lengths: int32")
    .Output("outputs: float")
    .Output("final_hidden: float")
    .Output("final_cell: float")
    .Output("gates: float")
    .Output("cells: float")
    .Attr("T: {float, bfloat16}")
    .Attr("time: int")
    .Attr("reverse: bool = false")
    .Doc(
        "projected [batch * time or more, 4 * hidden] holds the inputs times their kernel, without "
        "the bias. outputs [batch, time, hidden] are zero after each row's length; final_hidden "
        "and final_cell [batch, hidden] are the state after its last step. gates and cells are for "
        "the gradient and undefined after each row's length. T is the dtype of the factors of the "
        "recurrent products. With reverse, each row is read from its last step to its first.");

namespace {

template <typename T>
class LstmOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

  struct Arguments {
    SequenceSizes sizes;
    MatrixView<const Element> projected;
    const float* bias;
    const float* recurrent_kernel;
    MatrixView<const float> initial_hidden;
    MatrixView<const float> initial_cell;
    const int32_t* lengths;
    MatrixView<float> outputs;
    // The state after the steps that have been computed.
    MatrixView<float> hidden;
    MatrixView<float> cell;
    MatrixView<float> gates;
    MatrixView<float> cells;
  };

 public:
  explicit LstmOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("time", &time_));
    OP_REQUIRES_OK(context, context->GetAttr("reverse", &order_.reverse));
  }

  void Compute(OpKernelContext* context) override {
    Arguments arguments;
    OP_REQUIRES_OK(context, CheckInputs(context, &arguments.sizes));
    OP_REQUIRES_OK(context, Bind(context, &arguments));
    const SequenceSizes& sizes = arguments.sizes;
    s2s::RunWithErrors(context, [&] {
      s2s::RunShares<Element>(
          context, sizes, s2s::RowMajor(arguments.recurrent_kernel, sizes.gates), sizes.hidden,
          sizes.gates, [&](const s2s::PackedMatrix& kernel, const RowRange& rows) {
            RunRows(arguments, kernel, rows);
          });
    });
  }

 private:
  absl::Status CheckInputs(OpKernelContext* context, SequenceSizes* sizes) const {
    const Tensor& projected = context->input(0);
    const int64_t batch = context->input(5).NumElements();
    const bool is_valid = projected.dims() == 2 && batch > 0 && time_ >= 0 &&
                          projected.dim_size(0) >= batch * time_ && projected.dim_size(1) % 4 == 0;
    TF_RETURN_IF_ERROR(
        CheckArgument(is_valid, "projected must be [batch * time or more, 4 * hidden]"));
    const int64_t hidden = projected.dim_size(1) / 4;
    *sizes = {batch, time_, hidden, 4 * hidden};
    TF_RETURN_IF_ERROR(CheckArgument(context->input(1).NumElements() == sizes->gates,
                                     "bias must be [4 * hidden]"));
    TF_RETURN_IF_ERROR(CheckShape(context, 2, TensorShape({hidden, sizes->gates}),
                                  "recurrent_kernel must be [hidden, 4 * hidden]"));
    for (int input : {3, 4}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input, TensorShape({batch, hidden}),
                                    "initial_hidden and initial_cell must be [batch, hidden]"));
    }
    return s2s::CheckLengths(context, 5, *sizes);
  }

  // Allocates the outputs.
  static absl::Status Bind(OpKernelContext* context, Arguments* arguments) {
    const SequenceSizes& sizes = arguments->sizes;
    const int64_t batch = sizes.batch;
    const int64_t time = sizes.time;
    const int64_t hidden = sizes.hidden;
    arguments->projected = {InputData<T>(context, 0), sizes.gates};
    arguments->bias = InputData<float>(context, 1);
    arguments->recurrent_kernel = InputData<float>(context, 2);
    arguments->initial_hidden = {InputData<float>(context, 3), hidden};
    arguments->initial_cell = {InputData<float>(context, 4), hidden};
    arguments->lengths = InputData<int32_t>(context, 5);
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 0, {batch, time, hidden}, &arguments->outputs));
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 1, {batch, hidden}, &arguments->hidden));
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 2, {batch, hidden}, &arguments->cell));
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 3, {batch, time, sizes.gates}, &arguments->gates));
    return s2s::AllocateAs(context, 4, {batch, time, hidden}, &arguments->cells);
  }

  void RunRows(const Arguments& arguments, const s2s::PackedMatrix& kernel,
               const RowRange& rows) const {
    const SequenceSizes& sizes = arguments.sizes;
    std::copy(arguments.initial_hidden[rows.start], arguments.initial_hidden[rows.end],
              arguments.hidden[rows.start]);
    std::copy(arguments.initial_cell[rows.start], arguments.initial_cell[rows.end],
              arguments.cell[rows.start]);
    s2s::RunForward<Element>(sizes, arguments.lengths, kernel, rows, arguments.hidden,
                             [&](int64_t row, int64_t read, const float* recurrent) {
                               Step(arguments, row, read, recurrent);
                             });
    s2s::ClearPadding(sizes, arguments.lengths, rows, arguments.outputs);
  }

  // One row's step after `read` others. `recurrent` is null if the product is zero.
  void Step(const Arguments& arguments, int64_t row, int64_t read, const float* recurrent) const {
    const int64_t hidden = arguments.sizes.hidden;
    const int64_t step = row * arguments.sizes.time + order_.Position(arguments.lengths[row], read);
    float* state = arguments.hidden[row];
    float* cell = arguments.cell[row];
    const s2s::CellInputs<Element> inputs{arguments.projected[step], arguments.bias, recurrent,
                                          cell};
    const s2s::CellOutputs outputs{arguments.gates[step], cell, state};
    if (recurrent != nullptr)
      s2s::CellForward<true, true>(hidden, inputs, outputs);
    else
      s2s::CellForward<true, false>(hidden, inputs, outputs);
    std::copy_n(state, hidden, arguments.outputs[step]);
    std::copy_n(cell, hidden, arguments.cells[step]);
  }

  int64_t time_;
  s2s::StepOrder order_;
};

#define REGISTER(T)                                                                              \
  REGISTER_KERNEL_BUILDER(Name("S2sLstm").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          LstmOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
