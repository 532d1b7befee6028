// S2sLstmGrad: the gradient of S2sLstm (lstm_op.cc), by backpropagation through time. The gradients
// of the inputs and of both kernels are products over all steps that follow this op.
//
// recurrent_kernel [hidden, 4 * hidden], the initial states [batch, hidden], lengths [batch],
// outputs and cells [batch, time, hidden], gates [batch, time, 4 * hidden] and the gradients of
// outputs and of the final states to d_projected [rows, 4 * hidden], d_bias [4 * hidden], the
// gradients of the initial states [batch, hidden] and previous_hidden [rows, hidden].
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
using s2s::MatrixView;
using s2s::RowRange;
using s2s::SequenceSizes;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLstmGrad")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("initial_cell: float")
    .Input("lengths: int32")
    .Input("outputs: float")
    .Input("gates: float")
    .Input("cells: float")
    .Input("d_outputs: float")
    .Input("d_final_hidden: float")
    .Input("d_final_cell: float")
    .Output("d_projected: T")
    .Output("d_bias: float")
    .Output("d_initial_hidden: float")
    .Output("d_initial_cell: float")
    .Output("previous_hidden: T")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Attr("reverse: bool = false")
    .Doc(
        "d_projected is [rows, 4 * hidden]. previous_hidden [rows, hidden] is the hidden state "
        "before each step: its transpose times d_projected is the gradient of the recurrent "
        "kernel. Both are zero after each row's length and in the pad rows after batch * time.");

namespace {

template <typename T>
class LstmGradOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

  struct Arguments {
    SequenceSizes sizes;
    const float* recurrent_kernel;
    MatrixView<const float> initial_hidden;
    MatrixView<const float> initial_cell;
    const int32_t* lengths;
    MatrixView<const float> outputs;
    MatrixView<const float> gates;
    MatrixView<const float> cells;
    MatrixView<const float> d_outputs;
    MatrixView<const float> d_final_hidden;
    MatrixView<const float> d_final_cell;
    MatrixView<Element> d_projected;
    float* d_bias;
    // The gradients of the state before the steps that have been computed.
    MatrixView<float> d_hidden;
    MatrixView<float> d_cell;
    MatrixView<Element> previous_hidden;
  };

 public:
  explicit LstmGradOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
    OP_REQUIRES_OK(context, context->GetAttr("reverse", &order_.reverse));
  }

  void Compute(OpKernelContext* context) override {
    Arguments arguments;
    OP_REQUIRES_OK(context, CheckInputs(context, &arguments.sizes));
    BindInputs(context, &arguments);
    OP_REQUIRES_OK(context, AllocateOutputs(context, &arguments));
    const SequenceSizes& sizes = arguments.sizes;
    std::fill(arguments.d_projected[sizes.steps()], arguments.d_projected[rows_], Element{0});
    std::fill(arguments.previous_hidden[sizes.steps()], arguments.previous_hidden[rows_],
              Element{0});
    s2s::RunWithErrors(context, [&] {
      s2s::RunShares<Element>(
          context, sizes, s2s::TransposeOf(arguments.recurrent_kernel, sizes.gates), sizes.gates,
          sizes.hidden, [&](const s2s::PackedMatrix& transposed_kernel, const RowRange& rows) {
            RunRows(arguments, transposed_kernel, rows);
          });
      s2s::SumSteps(context, sizes, arguments.d_projected, arguments.d_bias);
    });
  }

 private:
  absl::Status CheckInputs(OpKernelContext* context, SequenceSizes* sizes) const {
    const Tensor& gates = context->input(5);
    const bool is_valid = gates.dims() == 3 && gates.dim_size(0) > 0 && gates.dim_size(2) % 4 == 0;
    TF_RETURN_IF_ERROR(CheckArgument(is_valid, "gates must be [batch, time, 4 * hidden]"));
    *sizes = {gates.dim_size(0), gates.dim_size(1), gates.dim_size(2) / 4, gates.dim_size(2)};
    TF_RETURN_IF_ERROR(CheckShape(context, 0, TensorShape({sizes->hidden, sizes->gates}),
                                  "recurrent_kernel must be [hidden, 4 * hidden]"));
    const TensorShape state_shape({sizes->batch, sizes->hidden});
    for (int input : {1, 2, 8, 9}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input, state_shape,
                                    "states and their gradients must be [batch, hidden]"));
    }
    const TensorShape sequence_shape({sizes->batch, sizes->time, sizes->hidden});
    for (int input : {4, 6, 7}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input, sequence_shape,
                                    "outputs, cells and d_outputs must be [batch, time, hidden]"));
    }
    TF_RETURN_IF_ERROR(s2s::CheckLengths(context, 3, *sizes));
    return CheckArgument(rows_ >= sizes->steps(), "rows must be at least batch * time");
  }

  static void BindInputs(OpKernelContext* context, Arguments* arguments) {
    const auto rows = [&](int input, int64_t columns) {
      return s2s::InputRows(context, input, columns);
    };
    const int64_t hidden = arguments->sizes.hidden;
    arguments->recurrent_kernel = s2s::InputData<float>(context, 0);
    arguments->initial_hidden = rows(1, hidden);
    arguments->initial_cell = rows(2, hidden);
    arguments->lengths = s2s::InputData<int32_t>(context, 3);
    arguments->outputs = rows(4, hidden);
    arguments->gates = rows(5, arguments->sizes.gates);
    arguments->cells = rows(6, hidden);
    arguments->d_outputs = rows(7, hidden);
    arguments->d_final_hidden = rows(8, hidden);
    arguments->d_final_cell = rows(9, hidden);
  }

  absl::Status AllocateOutputs(OpKernelContext* context, Arguments* arguments) const {
    const int64_t batch = arguments->sizes.batch;
    const int64_t hidden = arguments->sizes.hidden;
    const int64_t gates = arguments->sizes.gates;
    arguments->d_projected.stride = gates;
    arguments->d_hidden.stride = hidden;
    arguments->d_cell.stride = hidden;
    arguments->previous_hidden.stride = hidden;
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<T>(context, 0, {rows_, gates}, &arguments->d_projected.data));
    TF_RETURN_IF_ERROR(s2s::AllocateOutput<float>(context, 1, {gates}, &arguments->d_bias));
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<float>(context, 2, {batch, hidden}, &arguments->d_hidden.data));
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<float>(context, 3, {batch, hidden}, &arguments->d_cell.data));
    return s2s::AllocateOutput<T>(context, 4, {rows_, hidden}, &arguments->previous_hidden.data);
  }

  void RunRows(const Arguments& arguments, const s2s::PackedMatrix& transposed_kernel,
               const RowRange& rows) const {
    const SequenceSizes& sizes = arguments.sizes;
    std::copy(arguments.d_final_hidden[rows.start], arguments.d_final_hidden[rows.end],
              arguments.d_hidden[rows.start]);
    std::copy(arguments.d_final_cell[rows.start], arguments.d_final_cell[rows.end],
              arguments.d_cell[rows.start]);
    s2s::RunBackward<Element>(sizes, arguments.lengths, transposed_kernel, rows, arguments.d_hidden,
                              [&](int64_t row, int64_t read, Element* d_preactivations) {
                                Step(arguments, row, read, d_preactivations);
                              });
    s2s::ClearPadding(sizes, arguments.lengths, rows, arguments.d_projected);
    s2s::ClearPadding(sizes, arguments.lengths, rows, arguments.previous_hidden);
  }

  // One row's step after `read` others.
  void Step(const Arguments& arguments, int64_t row, int64_t read,
            Element* d_preactivations) const {
    const SequenceSizes& sizes = arguments.sizes;
    const int64_t length = arguments.lengths[row];
    const int64_t step = row * sizes.time + order_.Position(length, read);
    const float* previous_cell = arguments.initial_cell[row];
    const float* previous_hidden = arguments.initial_hidden[row];
    if (read > 0) {
      const int64_t previous = row * sizes.time + order_.Position(length, read - 1);
      previous_cell = arguments.cells[previous];
      previous_hidden = arguments.outputs[previous];
    }
    const s2s::CellGradInputs inputs{arguments.gates[step],     previous_cell,
                                     arguments.cells[step],     arguments.d_hidden[row],
                                     arguments.d_outputs[step], arguments.d_cell[row]};
    const s2s::CellGradOutputs<Element> outputs{d_preactivations, arguments.d_cell[row]};
    s2s::CellBackward<true>(sizes.hidden, inputs, outputs);
    // The state before the step is used in the product only.
    std::fill_n(arguments.d_hidden[row], sizes.hidden, 0.0f);
    std::copy_n(d_preactivations, sizes.gates, arguments.d_projected[step]);
    s2s::CastTo(previous_hidden, sizes.hidden, arguments.previous_hidden[step]);
  }

  int64_t rows_;
  s2s::StepOrder order_;
};

#define REGISTER(T)        \
  REGISTER_KERNEL_BUILDER( \
      Name("S2sLstmGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), LstmGradOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
