// S2sPackedBestTokens: the most probable tokens of each row (top k of the log-softmax). The logits
// are never written to memory: of each slice of the vocabulary, only the best tokens, the maximum
// and the sum of the exponentials are kept (the online softmax of Milakov and Gimelshein 2018).
//
// left [rows, inner], packed (S2sPack of [inner, columns]) and bias [columns] to log_probabilities
// and tokens [rows, count].
#include <algorithm>
#include <climits>
#include <cmath>
#include <vector>

#include "op_tensors.h"
#include "packed_slices.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "vector_math.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sPackedBestTokens")
    .Input("left: float")
    .Input("packed: int32")
    .Input("bias: float")
    .Output("log_probabilities: float")
    .Output("tokens: int32")
    .Attr("columns: int")
    .Attr("count: int")
    .Attr("first: int = 0")
    .Attr("low_precision: bool = false")
    .Doc(
        "The logits are left [rows, inner] times the packed matrix plus the bias [columns]. Of the "
        "tokens from id `first` on, the `count` most probable ones, best first, the lower id first "
        "among equals. Log-probabilities are normalised over all tokens; a row with a NaN has only "
        "NaN.");

namespace {

// The softmax statistics of a row in one slice.
struct SliceStatistics {
  float max;
  // Sum of e^(logit - max) over the slice. If max is minus infinity: NaN if there is a NaN among
  // the logits, otherwise not to be used.
  float exponentials;
};

struct Candidate {
  float logit;
  int32_t token;  // kNoToken if the slice has no more
};
constexpr int32_t kNoToken = -1;

class PackedBestTokensOp : public tensorflow::OpKernel {
 public:
  explicit PackedBestTokensOp(OpKernelConstruction* context) : OpKernel(context) {
    bool low_precision = false;
    OP_REQUIRES_OK(context, context->GetAttr("columns", &columns_));
    OP_REQUIRES_OK(context, context->GetAttr("count", &count_));
    OP_REQUIRES_OK(context, context->GetAttr("first", &first_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &low_precision));
    OP_REQUIRES(context, first_ >= 0 && count_ > 0 && first_ + count_ <= columns_,
                tensorflow::errors::InvalidArgument(
                    "there must be at least `count` columns from `first` on"));
    dtype_ = low_precision ? s2s::Dtype::kBfloat16 : s2s::Dtype::kFloat32;
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& left = context->input(0);
    const Tensor& packed = context->input(1);
    OP_REQUIRES(context, left.dims() == 2 && left.dim_size(1) > 0,
                tensorflow::errors::InvalidArgument("left must be [rows, inner]"));
    OP_REQUIRES(context, context->input(2).NumElements() == columns_,
                tensorflow::errors::InvalidArgument("bias must be [columns]"));
    const int64_t rows = left.dim_size(0);
    const int64_t inner = left.dim_size(1);
    float* log_probabilities = nullptr;
    int32_t* tokens = nullptr;
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 0, {rows, count_}, &log_probabilities));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<int32_t>(context, 1, {rows, count_}, &tokens));
    s2s::RunWithErrors(context, [&] {
      const s2s::PackedSlices slices(inner, columns_, dtype_);
      OP_REQUIRES(context, packed.NumElements() * sizeof(int32_t) == slices.Size(),
                  tensorflow::errors::InvalidArgument(
                      "packed must be made by S2sPack from a matrix [inner, columns]"));
      // [rows, slices], the second with `count` candidates each.
      std::vector<SliceStatistics> statistics(rows * slices.count);
      std::vector<Candidate> candidates(rows * slices.count * count_);
      const float* bias = s2s::InputData<float>(context, 2);
      s2s::ForEachProductBlock(
          context, slices, s2s::InputData<int32_t>(context, 1),
          {s2s::InputData<float>(context, 0), inner}, rows, [&](const s2s::ProductBlock& block) {
            for (int64_t row = 0; row < block.rows; ++row) {
              const int64_t index = (block.first_row + row) * slices.count + block.slice;
              SummarizeSlice(block.values[row], bias + block.first_column, block.first_column,
                             block.columns, &statistics[index], &candidates[index * count_]);
            }
          });
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t index = row * slices.count;
        MergeSlices(slices.count, &statistics[index], &candidates[index * count_],
                    log_probabilities + row * count_, tokens + row * count_);
      }
    });
  }

 private:
  // Overwrites the logits, which come without the bias.
  void SummarizeSlice(float* logits, const float* bias, int64_t first_token, int64_t width,
                      SliceStatistics* statistics, Candidate* candidates) const {
    float max = -INFINITY;
#pragma omp simd reduction(max : max)
    for (int64_t i = 0; i < width; ++i) {
      logits[i] += bias[i];
      max = std::max(max, logits[i]);
    }
    // If all logits are minus infinity, their differences from it would be NaN.
    const float shift = max == -INFINITY ? 0.0f : max;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += s2s::Exp(logits[i] - shift);
    *statistics = {max, sum};
    // Excluded tokens, and then each token found, become NaN, which is equal to no maximum.
    const int64_t excluded = std::min(width, first_ - first_token);
    for (int64_t i = 0; i < excluded; ++i) logits[i] = NAN;
    for (int64_t found = 0; found < count_; ++found) {
      const bool is_changed = found > 0 || excluded > 0;
      if (is_changed) {
        max = -INFINITY;
#pragma omp simd reduction(max : max)
        for (int64_t i = 0; i < width; ++i) max = std::max(max, logits[i]);
      }
      int index = INT_MAX;
#pragma omp simd reduction(min : index)
      for (int i = 0; i < static_cast<int>(width); ++i)
        index = std::min(index, logits[i] == max ? i : INT_MAX);
      const bool is_found = index != INT_MAX;
      candidates[found] = {max, is_found ? static_cast<int32_t>(first_token) + index : kNoToken};
      if (is_found) logits[index] = NAN;
    }
  }

  // The result for a row, from its slices in the order of their token ids.
  void MergeSlices(int64_t slices, const SliceStatistics* statistics, const Candidate* candidates,
                   float* log_probabilities, int32_t* tokens) const {
    const double log_sum = LogSumExp(slices, statistics);
    const std::vector<Candidate> best = BestOf(candidates, slices * count_);
    for (int64_t i = 0; i < count_; ++i) {
      const bool is_found = i < static_cast<int64_t>(best.size());
      tokens[i] = is_found ? best[i].token : static_cast<int32_t>(first_ + i);
      log_probabilities[i] = is_found ? static_cast<float>(best[i].logit - log_sum) : NAN;
    }
  }

  // NaN if all logits are minus infinity.
  static double LogSumExp(int64_t slices, const SliceStatistics* statistics) {
    float max = -INFINITY;
    for (int64_t slice = 0; slice < slices; ++slice) max = std::max(max, statistics[slice].max);
    double sum = 0;
    for (int64_t slice = 0; slice < slices; ++slice) {
      const SliceStatistics& part = statistics[slice];
      if (part.max != -INFINITY || std::isnan(part.exponentials))
        sum += part.exponentials * std::exp(static_cast<double>(part.max) - max);
    }
    return max == -INFINITY ? NAN : max + std::log(sum);
  }

  // At most `count` candidates, best first; equal ones stay in their order.
  std::vector<Candidate> BestOf(const Candidate* candidates, int64_t total) const {
    std::vector<Candidate> best;
    for (int64_t i = 0; i < total; ++i) {
      const Candidate& candidate = candidates[i];
      const bool is_full = static_cast<int64_t>(best.size()) == count_;
      if (candidate.token == kNoToken || (is_full && !(candidate.logit > best.back().logit)))
        continue;
      const auto position = std::upper_bound(
          best.begin(), best.end(), candidate,
          [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
      best.insert(position, candidate);
      if (static_cast<int64_t>(best.size()) > count_) best.pop_back();
    }
    return best;
  }

  int64_t columns_;
  int64_t count_;
  int64_t first_;
  s2s::Dtype dtype_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPackedBestTokens").Device(tensorflow::DEVICE_CPU),
                        PackedBestTokensOp);

}  // namespace
