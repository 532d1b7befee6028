import { existsSync, readdirSync } from 'node:fs';

/** Whether the system has an NVIDIA GPU with a driver: told by the driver's files, which takes no time. */
export function nvidiaGpuIsPresent() {
  try {
    if (readdirSync('/proc/driver/nvidia/gpus').length > 0) return true;
  } catch {
    // No driver of this kind.
  }
  // Containers see the devices, and Windows' own Linux the library, without that folder.
  return existsSync('/dev/nvidia0') || existsSync('/usr/lib/wsl/lib/libcuda.so.1');
}
