/** Runs the real Lucene (lucene/Lucene.java): the jars come from Maven once, into .venv/lucene (ignored by git). */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const version = '9.5.0'; // what the recorded index was written with
const jars = fileURLToPath(new URL('../../.venv/lucene', import.meta.url));
const program = fileURLToPath(new URL('lucene/Lucene.java', import.meta.url));

/** True if `java` and `mvn` can be called. */
export function hasJava(): boolean {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    execFileSync('mvn', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A term as Lucene placed it. */
export interface LuceneTerm {
  readonly term: string;
  readonly position: number;
}

/** A hit as Lucene scored it. */
export interface LuceneHit {
  readonly id: string;
  /** Float32. */
  readonly score: number;
}

/** Analyses texts. @returns Terms per text. */
export function luceneAnalyse(texts: readonly string[]): LuceneTerm[][] {
  return ask(['analyse'], texts).map((fields) =>
    fields.map(([position, term]) => ({ term: decode(term!), position: Number(position) })),
  );
}

/** Searches an index folder. @returns The best 50 per query, as Pyserini's LuceneSearcher orders them. */
export function luceneSearch(index: string, queries: readonly string[]): LuceneHit[][] {
  return ask(['search', index], queries).map((fields) =>
    fields.map(([id, bits]) => ({
      id: id!,
      score: new Float32Array(Uint32Array.of(Number.parseInt(bits!, 16)).buffer)[0]!,
    })),
  );
}

function ask(mode: readonly string[], texts: readonly string[]): string[][][] {
  const folder = mkdtempSync(join(tmpdir(), 'lucene-'));
  try {
    const input = join(folder, 'input');
    writeFileSync(input, texts.map((text) => `${encode(text)}\n`).join(''));
    const command = ['-cp', join(jars, '*'), program, ...mode, input];
    const output = execFileSync('java', command, {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = output.split('\n').slice(0, -1);
    return lines.map((line) => (line === '' ? [] : line.split(' ').map((field) => field.split(':'))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Fetches the jars that are not there yet. */
export function fetchLucene(): void {
  mkdirSync(jars, { recursive: true });
  for (const name of ['lucene-core', 'lucene-analysis-common']) {
    if (existsSync(join(jars, `${name}-${version}.jar`))) continue;
    const artifact = `-Dartifact=org.apache.lucene:${name}:${version}`;
    execFileSync('mvn', ['-q', 'dependency:copy', artifact, `-DoutputDirectory=${jars}`], { stdio: 'ignore' });
  }
}

/** UTF-16 units, big-endian, in base64: half characters survive. */
function encode(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').swap16().toString('utf16le');
}
