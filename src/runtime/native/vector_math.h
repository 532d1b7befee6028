// Elementary functions without branches or calls, which compilers turn into vector instructions.
#ifndef S2S_VECTOR_MATH_H_
#define S2S_VECTOR_MATH_H_

#include <cstdint>

namespace s2s {

// e^x to within 2 units in the last place, from e^x = 2^n e^r with |r| <= ln(2) / 2; coefficients
// of the Cephes library (S. L. Moshier, expf.c). Saturates at e^-87 and e^88; NaN stays NaN.
inline float Exp(float x) {
  const float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = clamped * 1.44269504088896341f + kShift;
  const float n = shifted - kShift;
  const int32_t exponent =
      __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, kShift);
  // ln(2) in two parts, so that the subtraction is exact.
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  return p * __builtin_bit_cast(float, (exponent + 127) << 23);
}

inline float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

// Near zero the polynomial of Cephes (tanhf.c), which keeps the relative precision, else from e^2x.
inline float Tanh(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float square = x * x;
  float p = -5.70498872745e-3f;
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const float near_zero = p * square * x + x;
  const float elsewhere = 1.0f - 2.0f / (Exp(2.0f * magnitude) + 1.0f);
  return magnitude < 0.625f ? near_zero : (x < 0 ? -elsewhere : elsewhere);
}

// The error function, to within 2e-7: formula 7.1.26 of Abramowitz and Stegun, "Handbook of
// Mathematical Functions".
inline float Erf(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float t = 1.0f / (1.0f + 0.3275911f * magnitude);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float result = 1.0f - p * t * Exp(-magnitude * magnitude);
  return x < 0 ? -result : result;
}

}  // namespace s2s

#endif  // S2S_VECTOR_MATH_H_
