// S2sPackedBestTokens: the most probable tokens of each row (top k of the log-softmax). The logits
// are never written to memory: of each slice of the vocabulary, only the maximum, the sum of the
// exponentials (the online softmax of Milakov and Gimelshein 2018) and those tokens are kept that
// are better than the best of the slices before.
//
// left [rows, inner], packed (S2sPack of [inner, columns]) and bias [columns] to log_probabilities
// and tokens [rows, count].
#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
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
  int32_t token;

  bool IsBetterThan(const Candidate& other) const {
    return logit != other.logit ? logit > other.logit : token < other.token;
  }
};

// The best tokens of a row among the slices that are computed so far. Threads that compute other
// slices of the row share it: the result does not depend on the order of the slices.
class BestOfRow {
 public:
  // Logits below it are not among the best.
  float Floor() const { return floor_.load(std::memory_order_relaxed); }

  // Adds those of the `count` logits, `stride` apart, that are among the `limit` best.
  void Add(const float* logits, int64_t count, int64_t stride, int32_t first_token, size_t limit) {
    for (int64_t i = 0; i < count; ++i) {
      const Candidate candidate{logits[i * stride], first_token + static_cast<int32_t>(i * stride)};
      // Not `<`: false for NaN.
      if (!(candidate.logit >= Floor())) continue;
      const bool is_full = best_.size() == limit;
      if (is_full && !candidate.IsBetterThan(best_.back())) continue;
      if (is_full) best_.pop_back();
      const auto place = std::find_if(best_.begin(), best_.end(), [&](const Candidate& other) {
        return candidate.IsBetterThan(other);
      });
      best_.insert(place, candidate);
      if (best_.size() == limit) floor_.store(best_.back().logit, std::memory_order_relaxed);
    }
  }

  std::mutex& mutex() { return mutex_; }
  const std::vector<Candidate>& best() const { return best_; }

 private:
  std::mutex mutex_;
  std::atomic<float> floor_{-INFINITY};
  // Best first.
  std::vector<Candidate> best_;
};

// Columns are searched in this many interleaved groups, one for each lane of a vector register, and
// only groups whose maximum is among the best.
constexpr int64_t kLanes = 16;

// Rows that a thread merges at once.
constexpr int64_t kMergedRows = 32;

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
      // [rows, slices]
      std::vector<SliceStatistics> statistics(rows * slices.count);
      std::vector<BestOfRow> best(rows);
      const float* bias = s2s::InputData<float>(context, 2);
      s2s::ForEachProductBlock(
          context, slices, s2s::InputData<int32_t>(context, 1),
          {s2s::InputData<float>(context, 0), inner}, rows, [&](const s2s::ProductBlock& block) {
            for (int64_t row = 0; row < block.rows; ++row) {
              const int64_t index = block.first_row + row;
              statistics[index * slices.count + block.slice] =
                  SummarizeSlice(block.values[row], bias + block.first_column, block.first_column,
                                 block.columns, &best[index]);
            }
          });
      s2s::ParallelForBlocks(context, rows, kMergedRows, [&](int64_t start, int64_t end) {
        for (int64_t row = start; row < end; ++row)
          WriteRow(LogSumExp(slices.count, &statistics[row * slices.count]), best[row].best(),
                   log_probabilities + row * count_, tokens + row * count_);
      });
    });
  }

 private:
  // Overwrites the logits, which come without the bias, by those with it.
  SliceStatistics SummarizeSlice(float* logits, const float* bias, int64_t first_token,
                                 int64_t width, BestOfRow* best) const {
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, -INFINITY);
    const int64_t whole = width / kLanes * kLanes;
    for (int64_t start = 0; start < whole; start += kLanes) {
#pragma omp simd
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        logits[start + lane] += bias[start + lane];
        lanes[lane] = std::max(lanes[lane], logits[start + lane]);
      }
    }
    for (int64_t i = whole; i < width; ++i) {
      logits[i] += bias[i];
      lanes[i - whole] = std::max(lanes[i - whole], logits[i]);
    }
    const float max = *std::max_element(lanes, lanes + kLanes);
    // If all logits are minus infinity, their differences from it would be NaN.
    const float shift = max == -INFINITY ? 0.0f : max;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += s2s::Exp(logits[i] - shift);
    if (max >= best->Floor()) {
      const std::lock_guard<std::mutex> lock(best->mutex());
      const int64_t excluded = std::max<int64_t>(0, first_ - first_token);
      for (int64_t lane = 0; lane < std::min(kLanes, width); ++lane) {
        if (lanes[lane] < best->Floor()) continue;
        const int64_t first = lane + s2s::RoundUp(std::max<int64_t>(0, excluded - lane), kLanes);
        if (first < width)
          best->Add(logits + first, s2s::CeilDiv(width - first, kLanes), kLanes,
                    static_cast<int32_t>(first_token + first), count_);
      }
    }
    return {max, sum};
  }

  // The result for a row with fewer than `count` numbers, which has a NaN, has only NaN.
  void WriteRow(double log_sum, const std::vector<Candidate>& best, float* log_probabilities,
                int32_t* tokens) const {
    for (int64_t i = 0; i < count_; ++i) {
      const bool is_found = i < static_cast<int64_t>(best.size());
      tokens[i] = is_found ? best[i].token : static_cast<int32_t>(first_ + i);
      log_probabilities[i] = is_found ? static_cast<float>(best[i].logit - log_sum) : NAN;
    }
  }

  // Of a row, from the statistics of its slices. NaN if all logits are minus infinity.
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

  int64_t columns_;
  int64_t count_;
  int64_t first_;
  s2s::Dtype dtype_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPackedBestTokens").Device(tensorflow::DEVICE_CPU),
                        PackedBestTokensOp);

}  // namespace
