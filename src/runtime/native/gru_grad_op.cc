// S2sGruGrad: the gradient of S2sGru (gru_op.cc), by backpropagation through time. The gradients of
// the inputs and of both kernels are products over all steps that follow this op.
//
// recurrent_kernel [hidden, 3 * hidden], initial_hidden [batch, hidden], lengths [batch], outputs
// [batch, time, hidden], gates [batch, time, 4 * hidden] and the gradients of outputs and
// final_hidden to d_projected and d_recurrent [rows, 3 * hidden], d_bias and d_recurrent_bias [3 *
// hidden], d_initial_hidden [batch, hidden] and previous_hidden [rows, hidden].
#include <algorithm>

#include "gru_cell.h"
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

REGISTER_OP("S2sGruGrad")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("lengths: int32")
    .Input("outputs: float")
    .Input("gates: float")
    .Input("d_outputs: float")
    .Input("d_final_hidden: float")
    .Output("d_projected: T")
    .Output("d_bias: float")
    .Output("d_recurrent: T")
    .Output("d_recurrent_bias: float")
    .Output("d_initial_hidden: float")
    .Output("previous_hidden: T")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Attr("reverse: bool = false")
    .Doc(
        "d_projected and d_recurrent are [rows, 3 * hidden]. previous_hidden [rows, hidden] is the "
        "hidden state before each step: its transpose times d_recurrent is the gradient of the "
        "recurrent kernel. All three are zero after each row's length and in the pad rows after "
        "batch * time.");

namespace {

template <typename T>
class GruGradOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

  struct Arguments {
    SequenceSizes sizes;
    const float* recurrent_kernel;
    MatrixView<const float> initial_hidden;
    const int32_t* lengths;
    MatrixView<const float> outputs;
    MatrixView<const float> gates;
    MatrixView<const float> d_outputs;
    MatrixView<const float> d_final_hidden;
    MatrixView<Element> d_projected;
    float* d_bias;
    MatrixView<Element> d_recurrent;
    float* d_recurrent_bias;
    // The gradient of the state before the steps that have been computed.
    MatrixView<float> d_hidden;
    MatrixView<Element> previous_hidden;
  };

 public:
  explicit GruGradOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
    OP_REQUIRES_OK(context, context->GetAttr("reverse", &order_.reverse));
  }

  void Compute(OpKernelContext* context) override {
    Arguments arguments;
    OP_REQUIRES_OK(context, CheckInputs(context, &arguments.sizes));
    BindInputs(context, &arguments);
    OP_REQUIRES_OK(context, AllocateOutputs(context, &arguments));
    const SequenceSizes& sizes = arguments.sizes;
    for (const auto& values :
         {arguments.d_projected, arguments.d_recurrent, arguments.previous_hidden})
      std::fill(values[sizes.steps()], values[rows_], Element{0});
    s2s::RunWithErrors(context, [&] {
      s2s::RunShares<Element>(
          context, sizes, s2s::TransposeOf(arguments.recurrent_kernel, sizes.gates), sizes.gates,
          sizes.hidden, [&](const s2s::PackedMatrix& transposed_kernel, const RowRange& rows) {
            RunRows(arguments, transposed_kernel, rows);
          });
      s2s::SumSteps(context, sizes, arguments.d_projected, arguments.d_bias);
      s2s::SumSteps(context, sizes, arguments.d_recurrent, arguments.d_recurrent_bias);
    });
  }

 private:
  absl::Status CheckInputs(OpKernelContext* context, SequenceSizes* sizes) const {
    const Tensor& gates = context->input(4);
    const bool is_valid = gates.dims() == 3 && gates.dim_size(0) > 0 && gates.dim_size(2) % 4 == 0;
    TF_RETURN_IF_ERROR(CheckArgument(is_valid, "gates must be [batch, time, 4 * hidden]"));
    const int64_t hidden = gates.dim_size(2) / 4;
    *sizes = {gates.dim_size(0), gates.dim_size(1), hidden, 3 * hidden};
    TF_RETURN_IF_ERROR(CheckShape(context, 0, TensorShape({hidden, sizes->gates}),
                                  "recurrent_kernel must be [hidden, 3 * hidden]"));
    for (int input : {1, 6}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input, TensorShape({sizes->batch, hidden}),
                                    "states and their gradients must be [batch, hidden]"));
    }
    for (int input : {3, 5}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input,
                                    TensorShape({sizes->batch, sizes->time, hidden}),
                                    "outputs and d_outputs must be [batch, time, hidden]"));
    }
    TF_RETURN_IF_ERROR(s2s::CheckLengths(context, 2, *sizes));
    return CheckArgument(rows_ >= sizes->steps(), "rows must be at least batch * time");
  }

  static void BindInputs(OpKernelContext* context, Arguments* arguments) {
    const auto rows = [&](int input, int64_t columns) {
      return s2s::InputRows(context, input, columns);
    };
    const int64_t hidden = arguments->sizes.hidden;
    arguments->recurrent_kernel = s2s::InputData<float>(context, 0);
    arguments->initial_hidden = rows(1, hidden);
    arguments->lengths = s2s::InputData<int32_t>(context, 2);
    arguments->outputs = rows(3, hidden);
    arguments->gates = rows(4, 4 * hidden);
    arguments->d_outputs = rows(5, hidden);
    arguments->d_final_hidden = rows(6, hidden);
  }

  absl::Status AllocateOutputs(OpKernelContext* context, Arguments* arguments) const {
    const auto [batch, time, hidden, gates] = arguments->sizes;
    arguments->d_projected.stride = arguments->d_recurrent.stride = gates;
    arguments->d_hidden.stride = arguments->previous_hidden.stride = hidden;
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<T>(context, 0, {rows_, gates}, &arguments->d_projected.data));
    TF_RETURN_IF_ERROR(s2s::AllocateOutput<float>(context, 1, {gates}, &arguments->d_bias));
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<T>(context, 2, {rows_, gates}, &arguments->d_recurrent.data));
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<float>(context, 3, {gates}, &arguments->d_recurrent_bias));
    TF_RETURN_IF_ERROR(
        s2s::AllocateOutput<float>(context, 4, {batch, hidden}, &arguments->d_hidden.data));
    return s2s::AllocateOutput<T>(context, 5, {rows_, hidden}, &arguments->previous_hidden.data);
  }

  void RunRows(const Arguments& arguments, const s2s::PackedMatrix& transposed_kernel,
               const RowRange& rows) const {
    const SequenceSizes& sizes = arguments.sizes;
    std::copy(arguments.d_final_hidden[rows.start], arguments.d_final_hidden[rows.end],
              arguments.d_hidden[rows.start]);
    s2s::RunBackward<Element>(sizes, arguments.lengths, transposed_kernel, rows, arguments.d_hidden,
                              [&](int64_t row, int64_t read, Element* d_recurrent) {
                                Step(arguments, row, read, d_recurrent);
                              });
    for (const auto& values :
         {arguments.d_projected, arguments.d_recurrent, arguments.previous_hidden})
      s2s::ClearPadding(sizes, arguments.lengths, rows, values);
  }

  // One row's step after `read` others.
  void Step(const Arguments& arguments, int64_t row, int64_t read, Element* d_recurrent) const {
    const SequenceSizes& sizes = arguments.sizes;
    const int64_t length = arguments.lengths[row];
    const int64_t step = row * sizes.time + order_.Position(length, read);
    const float* previous =
        read > 0 ? arguments.outputs[row * sizes.time + order_.Position(length, read - 1)]
                 : arguments.initial_hidden[row];
    const s2s::GruGradInputs inputs{arguments.gates[step], previous, arguments.d_hidden[row],
                                    arguments.d_outputs[step]};
    const s2s::GruGradOutputs<Element> outputs{arguments.d_projected[step], d_recurrent,
                                               arguments.d_hidden[row]};
    s2s::GruBackward<true>(sizes.hidden, inputs, outputs);
    std::copy_n(d_recurrent, sizes.gates, arguments.d_recurrent[step]);
    s2s::CastTo(previous, sizes.hidden, arguments.previous_hidden[step]);
  }

  int64_t rows_;
  s2s::StepOrder order_;
};

#define REGISTER(T)        \
  REGISTER_KERNEL_BUILDER( \
      Name("S2sGruGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), GruGradOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
