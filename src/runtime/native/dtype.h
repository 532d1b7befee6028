// The dtypes that products are computed in, and conversions between them.
#ifndef S2S_DTYPE_H_
#define S2S_DTYPE_H_

#include <cstdint>

namespace s2s {

enum class Dtype { kFloat32, kBfloat16 };

// The bits of a bfloat16: the upper half of a float32.
using Bfloat16 = uint16_t;

// Rounds to the nearest bfloat16, ties to even.
inline Bfloat16 ToBfloat16(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  // Rounding could carry a NaN over into infinity or zero: NaNs are truncated and made quiet.
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  return static_cast<Bfloat16>(is_nan ? (bits >> 16) | 0x40 : rounded);
}

inline float ToFloat(float value) { return value; }
inline float ToFloat(Bfloat16 value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value) << 16);
}

template <typename Element>
inline Element FromFloat(float value);
template <>
inline float FromFloat<float>(float value) {
  return value;
}
template <>
inline Bfloat16 FromFloat<Bfloat16>(float value) {
  return ToBfloat16(value);
}

}  // namespace s2s

#endif  // S2S_DTYPE_H_
