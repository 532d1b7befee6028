#include "dropout_mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/random/philox_random.h"

using tensorflow::random::PhiloxRandom;

namespace s2s {
namespace {

// Counters that are processed in parallel.
constexpr int kLanes = 16;
// Random numbers for one counter.
constexpr int kNumbersPerCounter = 4;
constexpr int kNumbers = kLanes * kNumbersPerCounter;

}  // namespace

absl::Status GetDropoutRate(tensorflow::OpKernelConstruction* context, float* rate) {
  TF_RETURN_IF_ERROR(context->GetAttr("rate", rate));
  return CheckArgument(*rate >= 0 && *rate < 1, "rate must be at least 0 and less than 1");
}

// The state is the one that StatelessRandomUniform derives from its seeds (GenerateKey in
// tensorflow/core/kernels/stateless_random_ops.cc).
DropoutMask::DropoutMask(int32_t first_seed, int32_t second_seed, float rate) {
  const auto first = static_cast<uint64_t>(static_cast<int64_t>(first_seed));
  const auto second = static_cast<uint64_t>(static_cast<int64_t>(second_seed));
  PhiloxRandom::Key key;
  key[0] = 0x3ec8f720;
  key[1] = 0x02461e29;
  PhiloxRandom::ResultType counter;
  counter[0] = static_cast<uint32_t>(first);
  counter[1] = static_cast<uint32_t>(first >> 32);
  counter[2] = static_cast<uint32_t>(second);
  counter[3] = static_cast<uint32_t>(second >> 32);
  const auto mixed = PhiloxRandom(counter, key)();
  key_[0] = mixed[0];
  key_[1] = mixed[1];
  counter2_ = mixed[2];
  counter3_ = mixed[3];
  // TensorFlow's uniform numbers are 23 random bits times 2^-23: the comparison with the rate is
  // made on the bits.
  threshold_ = static_cast<uint32_t>(std::ceil(rate * (1 << 23)));
  scale_ = 1.0f / (1.0f - rate);
}

absl::Status DropoutMask::FromInput(tensorflow::OpKernelContext* context, int input, float rate,
                                    DropoutMask* mask) {
  const auto seeds = context->input(input).flat<int32_t>();
  TF_RETURN_IF_ERROR(
      CheckArgument(seeds.size() == 2 || (seeds.size() == 0 && rate == 0), "seeds must be [2]"));
  *mask = seeds.size() == 0 ? DropoutMask() : DropoutMask(seeds(0), seeds(1), rate);
  return absl::OkStatus();
}

// The Philox 4x32-10 generator (Salmon et al. 2011) for counters start ... start + kLanes - 1.
// words[2 * lane] holds the first two numbers of a counter, the first one in the lower half, and
// words[2 * lane + 1] the last two.
//
// A lane computes all rounds on 32-bit numbers in 64-bit variables: the compiler then keeps all
// lanes in vector registers.
static void Philox(const uint32_t key[2], uint64_t counter2, uint64_t counter3, uint64_t start,
                   uint64_t words[2 * kLanes]) {
  const uint32_t key0 = key[0];
  const uint32_t key1 = key[1];
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    const uint64_t number = start + lane;
    uint64_t c0 = static_cast<uint32_t>(number);
    uint64_t c1 = number >> 32;
    uint64_t c2 = counter2;
    uint64_t c3 = counter3;
    uint32_t k0 = key0;
    uint32_t k1 = key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * c0;
      const uint64_t b = uint64_t{0xCD9E8D57} * c2;
      c0 = (b >> 32) ^ c1 ^ k0;
      c2 = (a >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(b);
      c3 = static_cast<uint32_t>(a);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    words[2 * lane] = c0 | c1 << 32;
    words[2 * lane + 1] = c2 | c3 << 32;
  }
}

static inline void MaskBlock(const uint32_t* numbers, uint32_t threshold, float scale,
                             int64_t count, const float* from, float* to) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const float kept = from[i] * scale;
    to[i] = (numbers[i] & 0x7fffff) < threshold ? 0.0f : kept;
  }
}

void DropoutMask::Apply(int64_t start, int64_t count, const float* from, float* to) const {
  if (DropsNothing()) {
    if (from != to) std::copy_n(from, count, to);
    return;
  }
  uint64_t words[2 * kLanes];
  uint32_t numbers[kNumbers];
  // Numbers of the first counter that belong to elements before `start`.
  int64_t skipped = start % kNumbersPerCounter;
  for (int64_t done = 0; done < count;) {
    Philox(key_, counter2_, counter3_, (start + done) / kNumbersPerCounter, words);
    std::memcpy(numbers, words, sizeof(words));
    const int64_t block = std::min(kNumbers - skipped, count - done);
    // Without remainder loops for whole blocks.
    if (block == kNumbers)
      MaskBlock(numbers, threshold_, scale_, kNumbers, from + done, to + done);
    else
      MaskBlock(numbers + skipped, threshold_, scale_, block, from + done, to + done);
    done += block;
    skipped = 0;
  }
}

}  // namespace s2s
