// S2sGru: a gated recurrent unit over whole sequences (gru_cell.h); its gradient is in
// gru_grad_op.cc. The products of the inputs with their kernel are computed for all steps before.
//
// projected [at least batch * time, 3 * hidden], bias [3 * hidden], recurrent_kernel [hidden, 3 *
// hidden], recurrent_bias [3 * hidden], initial_hidden [batch, hidden] and lengths [batch] to
// outputs [batch, time, hidden], final_hidden [batch, hidden] and gates [batch, time, 4 * hidden].
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
using s2s::InputData;
using s2s::MatrixView;
using s2s::RowRange;
using s2s::SequenceSizes;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sGru")
    .Input("projected: T")
    .Input("bias: float")
    .Input("recurrent_kernel: float")
    .Input("recurrent_bias: float")
    .Input("initial_hidden: float")
    .Input("lengths: int32")
    .Output("outputs: float")
    .Output("final_hidden: float")
    .Output("gates: float")
    .Attr("T: {float, bfloat16}")
    .Attr("time: int")
    .Attr("reverse: bool = false")
    .Doc(
        "projected [batch * time or more, 3 * hidden] holds the inputs times their kernel, without "
        "the bias. outputs [batch, time, hidden] are zero after each row's length; final_hidden "
        "[batch, hidden] is the state after its last step. gates [batch, time, 4 * hidden] are for "
        "the gradient and undefined after each row's length. T is the dtype of the factors of the "
        "recurrent products. With reverse, each row is read from its last step to its first.");

namespace {

template <typename T>
class GruOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

  struct Arguments {
    SequenceSizes sizes;
    MatrixView<const Element> projected;
    const float* bias;
    const float* recurrent_kernel;
    const float* recurrent_bias;
    MatrixView<const float> initial_hidden;
    const int32_t* lengths;
    MatrixView<float> outputs;
    // The state after the steps that have been computed.
    MatrixView<float> hidden;
    MatrixView<float> gates;
  };

 public:
  explicit GruOp(OpKernelConstruction* context) : OpKernel(context) {
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
                          projected.dim_size(0) >= batch * time_ && projected.dim_size(1) % 3 == 0;
    TF_RETURN_IF_ERROR(
        CheckArgument(is_valid, "projected must be [batch * time or more, 3 * hidden]"));
    const int64_t hidden = projected.dim_size(1) / 3;
    *sizes = {batch, time_, hidden, 3 * hidden};
    for (int input : {1, 3}) {
      TF_RETURN_IF_ERROR(CheckShape(context, input, TensorShape({sizes->gates}),
                                    "bias and recurrent_bias must be [3 * hidden]"));
    }
    TF_RETURN_IF_ERROR(CheckShape(context, 2, TensorShape({hidden, sizes->gates}),
                                  "recurrent_kernel must be [hidden, 3 * hidden]"));
    TF_RETURN_IF_ERROR(CheckShape(context, 4, TensorShape({batch, hidden}),
                                  "initial_hidden must be [batch, hidden]"));
    return s2s::CheckLengths(context, 5, *sizes);
  }

  // Allocates the outputs.
  static absl::Status Bind(OpKernelContext* context, Arguments* arguments) {
    const auto [batch, time, hidden, gates] = arguments->sizes;
    arguments->projected = {InputData<T>(context, 0), gates};
    arguments->bias = InputData<float>(context, 1);
    arguments->recurrent_kernel = InputData<float>(context, 2);
    arguments->recurrent_bias = InputData<float>(context, 3);
    arguments->initial_hidden = {InputData<float>(context, 4), hidden};
    arguments->lengths = InputData<int32_t>(context, 5);
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 0, {batch, time, hidden}, &arguments->outputs));
    TF_RETURN_IF_ERROR(s2s::AllocateAs(context, 1, {batch, hidden}, &arguments->hidden));
    return s2s::AllocateAs(context, 2, {batch, time, 4 * hidden}, &arguments->gates);
  }

  void RunRows(const Arguments& arguments, const s2s::PackedMatrix& kernel,
               const RowRange& rows) const {
    std::copy(arguments.initial_hidden[rows.start], arguments.initial_hidden[rows.end],
              arguments.hidden[rows.start]);
    s2s::RunForward<Element>(arguments.sizes, arguments.lengths, kernel, rows, arguments.hidden,
                             [&](int64_t row, int64_t read, const float* recurrent) {
                               Step(arguments, row, read, recurrent);
                             });
    s2s::ClearPadding(arguments.sizes, arguments.lengths, rows, arguments.outputs);
  }

  // One row's step after `read` others. `recurrent` is null if the product is zero.
  void Step(const Arguments& arguments, int64_t row, int64_t read, const float* recurrent) const {
    const int64_t hidden = arguments.sizes.hidden;
    const int64_t step = row * arguments.sizes.time + order_.Position(arguments.lengths[row], read);
    float* state = arguments.hidden[row];
    const s2s::GruInputs<Element> inputs{arguments.projected[step], arguments.bias, recurrent,
                                         arguments.recurrent_bias, state};
    const s2s::GruOutputs outputs{arguments.gates[step], state};
    if (recurrent != nullptr)
      s2s::GruForward<true, true>(hidden, inputs, outputs);
    else
      s2s::GruForward<true, false>(hidden, inputs, outputs);
    std::copy_n(state, hidden, arguments.outputs[step]);
  }

  int64_t time_;
  s2s::StepOrder order_;
};

#define REGISTER(T)                                                                             \
  REGISTER_KERNEL_BUILDER(Name("S2sGru").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          GruOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
