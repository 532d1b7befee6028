// S2sBestTokens: the most probable tokens of each row of logits with their log-probabilities.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "numbers.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sBestTokens")
    .Input("logits: float")
    .Output("log_probabilities: float")
    .Output("tokens: int32")
    .Attr("count: int")
    .Attr("first: int = 0")
    .Doc("Of logits [rows, vocab] the `count` largest from id `first` on, best first, of equals the lower id first; log-probabilities are among all tokens, and all NaN in a row with a NaN.");

namespace {

// Rows in one piece of work.
constexpr int64_t kRows = 4;
// Parts of a row that are looked at only where they hold a large logit.
constexpr int kStrips = 128;

class BestTokensOp : public tensorflow::OpKernel {
 public:
  explicit BestTokensOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("count", &count_));
    OP_REQUIRES_OK(context, context->GetAttr("first", &first_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& logits = context->input(0);
    OP_REQUIRES(context, logits.dims() == 2 && first_ >= 0 && count_ > 0 && first_ + count_ <= logits.dim_size(1), tensorflow::errors::InvalidArgument("logits must be a matrix with `count` columns or more from `first` on"));
    const int64_t rows = logits.dim_size(0), vocabulary = logits.dim_size(1);
    Tensor *log_probabilities = nullptr, *tokens = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, count_}, &log_probabilities));
    OP_REQUIRES_OK(context, context->allocate_output(1, {rows, count_}, &tokens));
    const float* from = logits.flat<float>().data();
    float* to = log_probabilities->flat<float>().data();
    int32_t* ids = tokens->flat<int32_t>().data();
    s2s::ForEach(context, static_cast<int>((rows + kRows - 1) / kRows), [&](int piece) {
      std::vector<std::pair<float, int32_t>> best;
      for (int64_t row = piece * kRows; row < std::min(rows, (piece + 1) * kRows); ++row) {
        Row(from + row * vocabulary, vocabulary, &best, to + row * count_, ids + row * count_);
      }
    });
  }

 private:
  void Row(const float* logits, int64_t vocabulary, std::vector<std::pair<float, int32_t>>* best, float* log_probabilities, int32_t* tokens) const {
    float maxima[kStrips];
    const int64_t strip = (vocabulary + kStrips - 1) / kStrips;
    float largest = -INFINITY;
    for (int i = 0; i < kStrips; ++i) {
      float best_of_strip = -INFINITY;
      const int64_t end = std::min(vocabulary, (i + 1) * strip);
#pragma omp simd reduction(max : best_of_strip)
      for (int64_t token = i * strip; token < end; ++token) best_of_strip = std::max(best_of_strip, logits[token]);
      maxima[i] = best_of_strip;
      largest = std::max(largest, best_of_strip);
    }
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t token = 0; token < vocabulary; ++token) sum += s2s::Exp(logits[token] - largest);
    const float log_sum = largest + std::log(sum);

    // Sorted from the best down. Most strips hold no token that is better than the last.
    best->assign(count_, {-INFINITY, -1});
    int64_t found = 0;
    for (int i = 0; i < kStrips; ++i) {
      if (found == count_ && !(maxima[i] > best->back().first)) continue;
      const int64_t end = std::min(vocabulary, (i + 1) * strip);
      for (int64_t token = std::max(first_, i * strip); token < end; ++token) {
        const float logit = logits[token];
        if (std::isnan(logit) || (found == count_ && !(logit > best->back().first))) continue;
        auto place = best->begin() + std::min(found, count_ - 1);
        while (place != best->begin() && (place - 1)->first < logit) {
          *place = *(place - 1);
          --place;
        }
        *place = {logit, static_cast<int32_t>(token)};
        found = std::min(found + 1, count_);
      }
    }
    for (int64_t i = 0; i < count_; ++i) {
      tokens[i] = i < found ? (*best)[i].second : static_cast<int32_t>(first_ + i);
      log_probabilities[i] = i < found ? (*best)[i].first - log_sum : NAN;
    }
  }

  int64_t count_, first_;
};

REGISTER_KERNEL_BUILDER(Name("S2sBestTokens").Device(tensorflow::DEVICE_CPU), BestTokensOp);

}  // namespace
