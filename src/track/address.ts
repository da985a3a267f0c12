/** Tracker addresses: what they mean without secrets and spelling, and which outbox belongs to them. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../base/hash.ts';

/** Returns the folder of a `file:` address, relative ones from the working folder. @throws {TypeError} If it names another host. */
export function folderOfAddress(address: string): string {
  return address.startsWith('file://') ? fileURLToPath(address) : resolve(address.slice('file:'.length));
}

/** Returns an address without credentials and trailing slashes; one that cannot be understood stays as it is. */
export function plainAddress(address: string): string {
  try {
    if (address.startsWith('file:')) return `file:${folderOfAddress(address)}`;
    const url = new URL(address);
    url.username = '';
    url.password = '';
    return url.href.replace(/\/+$/, '');
  } catch {
    return address; // the tracker refuses it, in better words
  }
}

/**
 * Returns the outbox of an address below a folder, e.g. `http-127.0.0.1-5000-1f0e8a3b`: what waits for one server must not be
 * delivered to another.
 */
export function outboxFolderOf(parent: string, address: string): string {
  const plain = plainAddress(address);
  return join(parent, `${plain.replaceAll(/[^\w.]+/g, '-').slice(0, 40)}-${sha256(plain).slice(0, 8)}`);
}
