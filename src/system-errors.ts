/** What is wrong, after the name of a file, and what to do. */
interface Explanation {
  readonly problem: string;
  readonly hint: string;
}

const FREE = 'Free some space, or choose a folder on another disk.';
const RIGHTS = 'Check the owner and the mode of the file and of its folders (ls -ld), or choose another folder.';
const OPEN_FILES = 'Raise the limit (ulimit -n 4096), or run fewer programs at a time.';
const HARDWARE =
  'Check the disk or the network file system (dmesg), and restore the file from a copy if it is damaged.';

/** By error code of the system, see errno(3). */
const EXPLANATIONS: Readonly<Partial<Record<string, Explanation>>> = {
  ENOSPC: { problem: 'no space is left on the device', hint: FREE },
  EDQUOT: { problem: 'your disk quota is used up', hint: `${FREE} quota -s shows the limits.` },
  EFBIG: { problem: 'the file would be larger than the system allows', hint: 'Raise the limit (ulimit -f unlimited).' },
  EROFS: { problem: 'the file system is read-only', hint: 'Choose a folder on a file system that can be written.' },
  EACCES: { problem: 'permission denied', hint: RIGHTS },
  EPERM: { problem: 'the operation is not permitted', hint: RIGHTS },
  EMFILE: { problem: 'this process has too many open files', hint: OPEN_FILES },
  ENFILE: { problem: 'the system has too many open files', hint: OPEN_FILES },
  ENOTDIR: { problem: 'a part of this path is a file, not a folder', hint: 'Correct the path, or rename that file.' },
  EISDIR: { problem: 'is a folder, not a file', hint: 'Name a file in it.' },
  ENOENT: {
    problem: 'there is no such file or folder',
    hint: 'Correct the path. Another process may have removed it.',
  },
  EEXIST: { problem: 'exists already', hint: 'Rename it, or choose another folder.' },
  ENOTEMPTY: { problem: 'the folder is not empty', hint: 'Empty it, or choose another folder.' },
  ENAMETOOLONG: { problem: 'the name is too long', hint: 'File names have at most 255 bytes: choose a shorter one.' },
  ELOOP: { problem: 'its symbolic links form a loop', hint: 'Correct the links (ls -l).' },
  EIO: { problem: 'the device reports an input/output error', hint: HARDWARE },
  ESTALE: { problem: 'the network file system has lost this file', hint: 'Mount the file system again.' },
  ENODEV: { problem: 'there is no such device', hint: HARDWARE },
  ENXIO: { problem: 'there is no such device', hint: HARDWARE },
  EBUSY: { problem: 'another program uses it', hint: 'End that program, or choose another folder.' },
  ETXTBSY: { problem: 'another program runs this file', hint: 'End that program, or choose another folder.' },
  EXDEV: { problem: 'the folder is on two file systems', hint: 'Choose a folder that is on one file system.' },
  ENOMEM: { problem: 'the system has no memory left', hint: 'End other programs, or use a larger machine.' },
  EBADF: { problem: 'is closed', hint: 'Redirect it to a file, or to /dev/null.' },
  EMLINK: { problem: 'too many links to one file', hint: 'Choose a folder on another file system.' },
  EAGAIN: { problem: 'the system has no resources left', hint: 'Run fewer programs at a time (ulimit -u).' },
};

/** What an operation does, for the operations whose failure a file name alone does not explain. */
const OPERATIONS: Readonly<Partial<Record<string, string>>> = { mkdir: 'the folder cannot be created: ' };

/** An error of the operating system, as Node reports it. */
export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

/** Whether an error comes from the operating system. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

/** What an error of the system means: `no space is left on the device`. Unknown ones are described in Node's words. */
export function describeSystemError({ code, message, syscall }: SystemError): string {
  const operation = OPERATIONS[syscall] ?? '';
  if (syscall === 'mkdir' && code === 'EEXIST') return `${operation}a file has this name`;
  return operation + (EXPLANATIONS[code]?.problem ?? message.replace(/^E\w+: |, \w+( '.*)?$/g, ''));
}

/** What the user can do about an error of the system; undefined if unknown. */
export function remedyOf({ code }: SystemError): string | undefined {
  return EXPLANATIONS[code]?.hint;
}

/** The file that an error of the system names: the target of a rename or a link rather than its source. */
export function fileOf(error: SystemError): string | undefined {
  const { path, dest } = error as { path?: unknown; dest?: unknown };
  return [dest, path].find((name) => typeof name === 'string');
}
