/** Internal state of `Random`: four unsigned 32-bit words. */
export type RandomState = readonly [number, number, number, number];

/**
 * Seeded pseudo-random number generator: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", ACM TOMS 2021), seeded by splitmix32. The only source of randomness on the host. The same seed produces
 * the same numbers on every machine.
 */
export class Random {
  private readonly words: Uint32Array;

  constructor(seed: number) {
    this.words = new Uint32Array(4);
    let counter = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      counter = (counter + 0x9e3779b9) >>> 0;
      let mixed = counter;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.words[i] = (mixed ^ (mixed >>> 16)) >>> 0;
    }
  }

  /** Returns a generator that continues from a saved state. */
  static restore(state: RandomState): Random {
    const random = new Random(0);
    random.words.set(state);
    return random;
  }

  get state(): RandomState {
    return [this.words[0]!, this.words[1]!, this.words[2]!, this.words[3]!];
  }

  /** Returns an independent generator, seeded by the current state and a name. */
  derive(purpose: string): Random {
    let hash = 0x811c9dc5;
    for (const character of `${this.state.join(',')}/${purpose}`) {
      hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    }
    return new Random(hash);
  }

  /** Uniform over the integers 0 to 2^32 - 1. */
  uint32(): number {
    const s = this.words;
    const product = Math.imul(s[1]!, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform over [0, 1), with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000;
  }

  /** Uniform over the integers 0 to `limit` - 1. */
  integer(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal, by the Box-Muller transform. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles the items in place (Fisher-Yates) and returns them. */
  shuffle<Items extends { length: number; [index: number]: unknown }>(items: Items): Items {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return items;
  }
}
