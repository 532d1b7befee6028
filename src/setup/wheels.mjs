/**
 * The native libraries that s2s is built and tested with, as pinned Python packages (wheels) with the checksums that
 * pip verifies. They need no Python at run time.
 *
 * To update: change the version and take the checksums from
 * `pip install --dry-run --no-deps --report - --target x --platform ... NAME==VERSION`.
 */

/**
 * A wheel to download.
 * @typedef {object} Wheel
 * @property {string} name name in the package index
 * @property {string} version
 * @property {string} sha256
 * @property {number} megabytes download size, for reporting progress
 */

/** @typedef {'cpu' | 'cuda'} Variant builds of TensorFlow: CPU only, or with CUDA */

/** Version of libtensorflow. */
export const TENSORFLOW_VERSION = '2.21.0';

/** Version of Intel's oneDNN packages; the library inside is oneDNN 3.2. */
export const ONEDNN_VERSION = '2023.2.0';

/** pip's platform tags by Node's platform names. @type {Readonly<Record<string, readonly string[]>>} */
const PIP_PLATFORMS = {
  'linux-x64': ['27', '17', '12', '5']
    .map((minor) => `manylinux_2_${minor}_x86_64`)
    .concat('manylinux2014_x86_64', 'manylinux1_x86_64'),
  'linux-arm64': ['27', '17'].map((minor) => `manylinux_2_${minor}_aarch64`).concat('manylinux2014_aarch64'),
  'darwin-arm64': ['macosx_12_0_arm64'],
};

/** @type {(name: string, version: string, megabytes: number, sha256: string) => Wheel} */
const wheel = (name, version, megabytes, sha256) => ({ name, version, megabytes, sha256 });

const TENSORFLOW = {
  'cpu-linux-x64': wheel(
    'tensorflow-cpu',
    TENSORFLOW_VERSION,
    274,
    'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  ),
  'cpu-linux-arm64': wheel(
    'tensorflow',
    TENSORFLOW_VERSION,
    282,
    'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
  ),
  'cpu-darwin-arm64': wheel(
    'tensorflow',
    TENSORFLOW_VERSION,
    223,
    '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
  ),
  'cuda-linux-x64': wheel(
    'tensorflow',
    TENSORFLOW_VERSION,
    573,
    'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  ),
};

/** Dependencies of `tensorflow[and-cuda]` at the newest versions within its bounds: CUDA 12.9 and cuDNN 9. */
const CUDA_LINUX_X64 = [
  wheel('nvidia-cublas-cu12', '12.9.3.13', 581, 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72'),
  wheel('nvidia-cuda-cupti-cu12', '12.8.90', 10, 'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182'),
  wheel('nvidia-cuda-nvcc-cu12', '12.9.86', 41, '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0'),
  wheel('nvidia-cuda-nvrtc-cu12', '12.9.86', 90, '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4'),
  wheel('nvidia-cuda-runtime-cu12', '12.9.79', 4, '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3'),
  wheel('nvidia-cudnn-cu12', '9.28.0.42', 717, '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375'),
  wheel('nvidia-cufft-cu12', '11.4.1.4', 201, 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28'),
  wheel('nvidia-curand-cu12', '10.3.10.19', 68, '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e'),
  wheel('nvidia-cusolver-cu12', '11.7.5.82', 338, '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88'),
  wheel('nvidia-cusparse-cu12', '12.5.10.65', 366, '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78'),
  wheel('nvidia-nccl-cu12', '2.32.3', 352, 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c'),
  wheel('nvidia-nvjitlink-cu12', '12.9.86', 40, 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9'),
];

/** oneDNN for the custom ops; the package index has it only for x86-64 Linux. */
const ONEDNN_LINUX_X64 = [
  wheel('onednn-cpu-gomp', ONEDNN_VERSION, 39, '2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb'),
  wheel('onednn-devel-cpu-gomp', ONEDNN_VERSION, 1, '9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284'),
];

/**
 * Wheels of a TensorFlow build; undefined if there are none for the platform.
 *
 * @param {Variant} variant
 * @param {string} platform such as `linux-x64`
 * @returns {readonly Wheel[] | undefined}
 */
export function tensorflowWheels(variant, platform) {
  const main = Object.entries(TENSORFLOW).find(([key]) => key === `${variant}-${platform}`)?.[1];
  if (main === undefined) return undefined;
  return variant === 'cuda' ? [main, ...CUDA_LINUX_X64] : [main];
}

/**
 * Wheels of oneDNN; undefined if there are none for the platform.
 *
 * @param {string} platform such as `linux-x64`
 * @returns {readonly Wheel[] | undefined}
 */
export function onednnWheels(platform) {
  return platform === 'linux-x64' ? ONEDNN_LINUX_X64 : undefined;
}

/**
 * pip options that select wheels for a platform independently of the installed version of Python, which may have none.
 *
 * @param {string} platform such as `linux-x64`
 * @returns {string[]}
 */
export function pipPlatformOptions(platform) {
  const tags = PIP_PLATFORMS[platform] ?? [];
  return ['--python-version', '3.12', '--implementation', 'cp', ...tags.flatMap((tag) => ['--platform', tag])];
}
