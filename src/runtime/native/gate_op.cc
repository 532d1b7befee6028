// S2sGate and S2sGateGrad: gated activations, such as SwiGLU (Shazeer 2020).
//
// S2sGate: input [rows, 2 * size] to output [rows, size]; S2sGateGrad: input and d_output to
// d_input [rows, 2 * size].
#include "activation.h"
#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::Activation;
using s2s::CheckArgument;
using s2s::CheckShape;
using s2s::InputData;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sGate")
    .Input("input: float")
    .Output("output: float")
    .Attr("activation: string")
    .Doc("The activation of the left half of the columns, times the right half.");

REGISTER_OP("S2sGateGrad")
    .Input("input: float")
    .Input("d_output: float")
    .Output("d_input: float")
    .Attr("activation: string")
    .Doc("The gradient of the input of S2sGate.");

namespace {

// Rows that a thread takes at a time.
constexpr int64_t kBlockRows = 32;

// Checks the input of both gate ops.
class GateOpBase : public tensorflow::OpKernel {
 public:
  explicit GateOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, s2s::GetActivation(context, &activation_));
    OP_REQUIRES_OK(context, CheckArgument(activation_ != Activation::kTanh,
                                          "the gradient of the gate needs an activation with a "
                                          "derivative of the input"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    OP_REQUIRES_OK(context, CheckArgument(input.dims() == 2 && input.dim_size(1) % 2 == 0,
                                          "input must be [rows, 2 * size]"));
    s2s::RunWithErrors(context, [&] { Gate(context, input.dim_size(0), input.dim_size(1) / 2); });
  }

 protected:
  virtual void Gate(OpKernelContext* context, int64_t rows, int64_t size) = 0;

  Activation activation_;
};

class GateOp : public GateOpBase {
 public:
  using GateOpBase::GateOpBase;

 protected:
  void Gate(OpKernelContext* context, int64_t rows, int64_t size) override {
    float* output = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, size}, &output));
    const float* input = InputData<float>(context, 0);
    s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
      for (int64_t row = start; row < end; ++row)
        GateRow(input + 2 * row * size, size, output + row * size);
    });
  }

 private:
  void GateRow(const float* input, int64_t size, float* output) const {
    s2s::WithActivation(activation_, [&](auto constant) {
      constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
      for (int64_t i = 0; i < size; ++i)
        output[i] = s2s::ActivationValue<kActivation>(input[i]) * input[size + i];
    });
  }
};

class GateGradOp : public GateOpBase {
 public:
  using GateOpBase::GateOpBase;

 protected:
  void Gate(OpKernelContext* context, int64_t rows, int64_t size) override {
    OP_REQUIRES_OK(context, CheckShape(context, 1, TensorShape({rows, size}),
                                       "d_output must be [rows, size]"));
    float* d_input = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, {rows, 2 * size}, &d_input));
    const float* input = InputData<float>(context, 0);
    const float* d_output = InputData<float>(context, 1);
    s2s::ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
      for (int64_t row = start; row < end; ++row)
        RowGradient(input + 2 * row * size, d_output + row * size, size, d_input + 2 * row * size);
    });
  }

 private:
  void RowGradient(const float* input, const float* d_output, int64_t size, float* d_input) const {
    s2s::WithActivation(activation_, [&](auto constant) {
      constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
      for (int64_t i = 0; i < size; ++i) {
        const float x = input[i];
        d_input[i] = d_output[i] * input[size + i] * s2s::ActivationDerivative<kActivation>(x);
        d_input[size + i] = d_output[i] * s2s::ActivationValue<kActivation>(x);
      }
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sGate").Device(tensorflow::DEVICE_CPU), GateOp);
REGISTER_KERNEL_BUILDER(Name("S2sGateGrad").Device(tensorflow::DEVICE_CPU), GateGradOp);

}  // namespace
