// S2sGlobalNorm: the Euclidean norm of all gradients taken as one vector (Pascanu et al. 2013).
#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sGlobalNorm")
    .Input("gradients: N * float")
    .Output("norm: float")
    .Attr("N: int >= 1")
    .Doc("The root of the sum of the squares of all numbers in all gradients.");

namespace {

// Numbers in one piece of work. Each has a sum of its own, so that the order of the additions does
// not depend on the number of threads.
constexpr int64_t kNumbers = 1 << 16;

struct Piece {
  const float* data;
  int64_t count;
};

class GlobalNormOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    double total = 0;
    s2s::Guard(context, [&] {
      std::vector<Piece> pieces;
      for (int input = 0; input < context->num_inputs(); ++input) {
        const Tensor& gradient = context->input(input);
        for (int64_t start = 0; start < gradient.NumElements(); start += kNumbers) {
          pieces.push_back({gradient.flat<float>().data() + start,
                            std::min(kNumbers, gradient.NumElements() - start)});
        }
      }
      std::vector<double> sums(pieces.size());
      s2s::ForEach(context, static_cast<int>(pieces.size()),
                   [&](int index) { sums[index] = SumOfSquares(pieces[index]); });
      for (double sum : sums) total += sum;
    });
    if (!context->status().ok()) return;
    Tensor* norm = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, tensorflow::TensorShape({}), &norm));
    norm->scalar<float>()() = static_cast<float>(std::sqrt(total));
  }

 private:
  // In float32 for so few numbers that rounding does not add up.
  static double SumOfSquares(const Piece& piece) {
    constexpr int64_t kTogether = 1024;
    double total = 0;
    for (int64_t start = 0; start < piece.count; start += kTogether) {
      const float* data = piece.data + start;
      const int64_t count = std::min(piece.count - start, kTogether);
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
