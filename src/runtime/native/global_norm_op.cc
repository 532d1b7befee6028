// S2sGlobalNorm: the Euclidean norm of all gradients together, for gradient clipping (Pascanu et
// al. 2013).
//
// N gradients [...] to the scalar norm.
#include <algorithm>
#include <cmath>
#include <vector>

#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sGlobalNorm")
    .Input("gradients: N * float")
    .Output("norm: float")
    .Attr("N: int >= 1")
    .Doc("The square root of the sum of the squares of all elements of all gradients.");

namespace {

// Each block has its own sum, so that the order of the additions does not depend on the number of
// threads.
constexpr int64_t kBlockElements = 1 << 16;
// Elements that are summed in float32, few enough that rounding errors do not add up.
constexpr int64_t kFloatElements = 1024;

struct Block {
  const float* data;
  int64_t count;
};

class GlobalNormOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    double total = 0;
    s2s::RunWithErrors(context, [&] {
      const std::vector<Block> blocks = BlocksOf(context);
      std::vector<double> sums(blocks.size());
      s2s::ParallelFor(context, blocks.size(),
                       [&](int64_t index) { sums[index] = SumOfSquares(blocks[index]); });
      for (double sum : sums) total += sum;
    });
    if (!context->status().ok()) return;
    float* norm = nullptr;
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 0, tensorflow::TensorShape({}), &norm));
    *norm = static_cast<float>(std::sqrt(total));
  }

 private:
  static std::vector<Block> BlocksOf(OpKernelContext* context) {
    std::vector<Block> blocks;
    for (int input = 0; input < context->num_inputs(); ++input) {
      const int64_t count = context->input(input).NumElements();
      const float* data = s2s::InputData<float>(context, input);
      for (int64_t start = 0; start < count; start += kBlockElements)
        blocks.push_back({data + start, std::min(kBlockElements, count - start)});
    }
    return blocks;
  }

  static double SumOfSquares(const Block& block) {
    double total = 0;
    for (int64_t start = 0; start < block.count; start += kFloatElements) {
      const float* data = block.data + start;
      const int64_t count = std::min(block.count - start, kFloatElements);
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < count; ++i) sum += data[i] * data[i];
      total += sum;
    }
    return total;
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sGlobalNorm").Device(tensorflow::DEVICE_CPU), GlobalNormOp);

}  // namespace
