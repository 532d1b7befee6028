// Elementary functions that compilers turn into vector instructions.
#ifndef S2S_NUMBERS_H_
#define S2S_NUMBERS_H_

#include <cstdint>

namespace s2s {

// The upper half of a float32: bfloat16.
using Half = uint16_t;

// Rounds to the nearest bfloat16, ties to even.
inline Half ToHalf(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  // Rounding up must not make a number of what is none.
  return static_cast<Half>((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
}

inline float ToFloat(Half value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value) << 16);
}

template <typename T>
inline T FromFloat(float value);
template <>
inline float FromFloat<float>(float value) {
  return value;
}
template <>
inline Half FromFloat<Half>(float value) {
  return ToHalf(value);
}
inline float AsFloat(float value) { return value; }
inline float AsFloat(Half value) { return ToFloat(value); }

// e^x to within 2 units of the last place, from e^x = 2^n e^r with |r| <= ln(2) / 2; coefficients
// of the Cephes library (S. L. Moshier, expf.c). Saturates at e^-87 and e^88; what is no number
// stays none.
inline float Exp(float x) {
  const float bounded = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float shifted = bounded * 1.44269504088896341f + kShift;
  const float n = shifted - kShift;
  const int32_t power = __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, kShift);
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  return p * __builtin_bit_cast(float, (power + 127) << 23);
}

inline float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

// Near zero the polynomial of Cephes' tanhf.c, which keeps the relative precision, else from e^2x.
inline float Tanh(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float square = x * x;
  float p = -5.70498872745e-3f;
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const float small = p * square * x + x;
  const float large = 1.0f - 2.0f / (Exp(2.0f * magnitude) + 1.0f);
  return magnitude < 0.625f ? small : (x < 0 ? -large : large);
}

}  // namespace s2s

#endif  // S2S_NUMBERS_H_
