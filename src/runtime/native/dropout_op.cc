// S2sDropout: inverted dropout (dropout_mask.h).
//
// input [...] and seeds [2] to output [...].
#include "dropout_mask.h"
#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sDropout")
    .Input("input: float")
    .Input("seeds: int32")
    .Output("output: float")
    .Attr("rate: float")
    .Doc(
        "0 where the element's uniform random number in [0, 1) is less than rate, otherwise input "
        "/ (1 - rate).");

namespace {

constexpr int64_t kBlockElements = 1 << 15;

class DropoutOp : public tensorflow::OpKernel {
 public:
  explicit DropoutOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, s2s::GetDropoutRate(context, &rate_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    s2s::DropoutMask mask;
    OP_REQUIRES_OK(context, s2s::DropoutMask::FromInput(context, 1, rate_, &mask));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context,
                   context->forward_input_or_allocate_output({0}, 0, input.shape(), &output));
    const float* from = input.flat<float>().data();
    float* to = output->flat<float>().data();
    s2s::ParallelForBlocks(context, input.NumElements(), kBlockElements,
                           [&](int64_t start, int64_t end) {
                             mask.Apply(start, end - start, from + start, to + start);
                           });
  }

 private:
  float rate_;
};

REGISTER_KERNEL_BUILDER(Name("S2sDropout").Device(tensorflow::DEVICE_CPU), DropoutOp);

}  // namespace
