/**
 * Where the data of the worlds are published: addresses, sizes, checksums, licences, and how a loader wants them laid out.
 * No project publishes checksums. Those below were recorded by people who fetched the same addresses and wrote down what came (public
 * GitHub repositories, November 2026; several agreeing records unless noted); those of raw.githubusercontent.com are of the git blobs.
 * Null where nobody did: then the first pull is trusted and written to data.lock.json.
 */
import type { OwnWorldName } from '../stage/world.ts';

/** Names of the worlds that have published data. */
export type DataName = OwnWorldName;

/** One published file. */
export interface Artefact {
  /** What `--only` calls it; files of one part belong together. */
  readonly part: string;
  /** Path below the data folder; an archive lies there until it is unpacked. */
  readonly file: string;
  /** The project's own address first; mirrors only where the checksum is known. */
  readonly addresses: readonly string[];
  /** What it holds, for people. */
  readonly holds: string;
  readonly licence: string;
  readonly sizeBytes: number | null;
  /** About what it takes on disk, for the check before a download. */
  readonly diskBytes: number;
  readonly sha256: string | null;
  /** Absent for a plain file. */
  readonly archive?: {
    /** Folder below the data folder to unpack into; default itself. */
    readonly folder?: string;
    readonly place?: (name: string) => string | undefined;
    readonly gzip?: (path: string) => boolean;
    readonly maxFiles: number;
    readonly maxBytes: number;
  };
}

/** The published data of one world. */
export interface DataSource {
  /** Environment variable that names the folder. */
  readonly variable: string;
  /** Parts that are pulled if none is named. */
  readonly usual: readonly string[];
  readonly artefacts: readonly Artefact[];
}

const MB = 1e6;
const GB = 1e9;

const alfworldRelease = (tag: string, file: string): string =>
  `https://github.com/alfworld/alfworld/releases/download/${tag}/${file}`;

// Source: alfworld/alfworld@9da74e4 (0.3.5) and @aaba687 (0.5.0) scripts/alfworld-download. MIT as the repository; no separate data licence.
const alfworld: DataSource = {
  variable: 'ALFWORLD_DATA',
  usual: ['games'],
  artefacts: [
    {
      part: 'games',
      file: 'json_2.1.1_tw-pddl.zip',
      addresses: [alfworldRelease('0.2.2', 'json_2.1.1_tw-pddl.zip')],
      holds: 'game.tw-pddl of all splits, "put … in/on …" grammar as in the paper',
      licence: 'MIT (ALFWorld, ALFRED)',
      sizeBytes: 45_059_629, // one record; the asset was replaced on 2024-02-29, so older records differ
      diskBytes: 0.6 * GB,
      sha256: 'd376c4bbb097c068528a2a9805e358e4cd14bc75c4d68a24e5141aebd234ef67',
      archive: { maxFiles: 50_000, maxBytes: 3 * GB },
    },
    {
      part: 'games-0.4.2',
      file: 'json_2.1.3_tw-pddl.zip',
      addresses: [alfworldRelease('0.4.2', 'json_2.1.3_tw-pddl.zip')],
      holds: 'the same games with the "move … to …" grammar of alfworld 0.4.2, in games-0.4.2/',
      licence: 'MIT (ALFWorld, ALFRED)',
      sizeBytes: 36_507_267,
      diskBytes: 0.6 * GB,
      sha256: '5df77ea759f2211a4106082839ddbbb790f1ba4e7d097ed732cf453f72aa36cf',
      archive: { folder: 'games-0.4.2', maxFiles: 50_000, maxBytes: 3 * GB },
    },
    {
      part: 'annotations',
      file: 'json_2.1.1_json.zip',
      addresses: [alfworldRelease('0.2.2', 'json_2.1.1_json.zip')],
      holds: 'traj_data.json beside each game; spa does not read them, other programs do',
      licence: 'MIT (ALFWorld, ALFRED)',
      sizeBytes: 72_018_818,
      diskBytes: 1.8 * GB,
      sha256: '25171f16e20ad7b048c47275c45b0babf3aa1cbab29cec97387922350a9844bc',
      archive: { maxFiles: 50_000, maxBytes: 6 * GB },
    },
    {
      part: 'states',
      file: 'json_2.1.1_pddl.zip',
      addresses: [alfworldRelease('0.2.2', 'json_2.1.1_pddl.zip')],
      holds: 'initial_state.pddl beside each game; spa does not read them, other programs do',
      licence: 'MIT (ALFWorld, ALFRED)',
      sizeBytes: 34_881_784,
      diskBytes: 1 * GB,
      sha256: '913942ebed06659ea0da2f8122512d98bc6add30d84961ca803132d8fbcad585',
      archive: { maxFiles: 50_000, maxBytes: 3 * GB },
    },
  ],
};

// `confirm=t` answers the "cannot scan for viruses" page of large files.
const drive = (id: string): string =>
  `https://drive.usercontent.google.com/download?id=${id}&export=download&confirm=t`;
// A mirror, for the days on which Drive's quota is used up; only its checksums make it one.
const webshopMirror = (file: string): string =>
  `https://huggingface.co/datasets/YWZBrandon/webshop-data/resolve/ce990fff5aee388db2706f07820c578ab68e0453/${file}`;

const product = (
  part: string,
  file: string,
  more: {
    readonly id: string;
    readonly holds: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  },
): Artefact => ({
  part,
  file,
  addresses: [drive(more.id), webshopMirror(file)],
  holds: more.holds,
  licence: 'MIT (WebShop); product texts are from amazon.com',
  sizeBytes: more.sizeBytes,
  diskBytes: more.sizeBytes,
  sha256: more.sha256,
});

const sparlCommit = 'ed200874d726ef25d52851bd47f12f2b1408b545';

/** SPA-RL's choice of goals, by their place among all 12,087: of no use with the 1,000 products. */
const indices = (
  file: string,
  more: Pick<Artefact, 'holds' | 'sha256'> & { readonly sizeBytes: number },
): Artefact => ({
  part: 'splits',
  file,
  addresses: [
    `https://raw.githubusercontent.com/WangHanLinHenry/SPA-RL-Agent/${sparlCommit}/eval_agent/data/webshop/${file}`,
  ],
  licence: 'MIT (SPA-RL)',
  diskBytes: more.sizeBytes,
  ...more,
});

// Source: princeton-nlp/WebShop@64fa2a5 setup.sh. items_ins_v2_1000.json is the same bytes as in WooooDyy/AgentGym@f434743a.
const webshop: DataSource = {
  variable: 'WEBSHOP_DATA',
  usual: ['small', 'goals'],
  artefacts: [
    product('small', 'items_shuffle_1000.json', {
      id: '1EgHdxQ_YxqIQlvvq5iKlCrkEKR6-j0Ib',
      holds: '1,000 products',
      sizeBytes: 4_467_013,
      sha256: '30a4765c3a327af72d9a9a95a6b2486d516f0fa1d3ecd83681901ce82a21b269',
    }),
    product('small', 'items_ins_v2_1000.json', {
      id: '1IduG0xl544V_A_jv3tHXC0kyFi7PnyBu',
      holds: 'attributes of the 1,000',
      sizeBytes: 147_099,
      sha256: 'f88a36314a397b53b3d9c3fa5878e5f7b26d35019a51ec83fbedeca61a948f6f',
    }),
    product('goals', 'items_human_ins.json', {
      id: '14Kb5SPBk_jfdLZ_CDBNitW98QLDlKR5O',
      holds: 'human instructions for 10,136 products',
      sizeBytes: 5_137_548,
      sha256: 'cf78667548a71786e1d9049c24b802e48e1084ad4bb021cae56ce1f6d96954a3',
    }),
    product('full', 'items_shuffle.json', {
      id: '1A2whVgOO0euk5O13n2iYDM0bQRkkRduB',
      holds: '1.18 million products',
      sizeBytes: 5_479_720_229,
      sha256: '2ef591d65df3af89e972ab72468eb82cbf124d876552d9f3678667edd620a6c8',
    }),
    product('full', 'items_ins_v2.json', {
      id: '1s2j6NgHljiZzQNL3veZaAiyW_qDEgBNi',
      holds: 'attributes of all products',
      sizeBytes: 186_295_270,
      sha256: '1d36af476bdb8f82a5da62bd8acdabe54cd8de2fa84010d37da5c4890feb447e',
    }),
    indices('train_indices.json', {
      holds: 'the goals SPA-RL trains on; with part full only',
      sizeBytes: 9585,
      sha256: 'a2dff632a2e730830e8398411141004104e00cac5b5329847316514d91fc0dac',
    }),
    indices('test_indices.json', {
      holds: 'the 200 goals SPA-RL tests on; with part full only',
      sizeBytes: 1223,
      sha256: '8ccc37a8b89392359d2d124e321b0dd47d6072bf4410847f606762a211a0f189',
    }),
  ],
};

const programsFolder = 'programs_processed_precond_nograb_morepreconds';

/** Keeps programs and graphs, whatever folder the archive puts them in. */
function placeProgram(name: string): string | undefined {
  const inner = /(?:^|\/)((?:init_and_final_graphs|executable_programs)\/.+)$/.exec(name)?.[1];
  return inner === undefined || name.startsWith('__MACOSX/') ? undefined : `${programsFolder}/${inner}`;
}

const stecaTasks = (split: 'seen' | 'unseen', sizeBytes: number, sha256: string): Artefact => ({
  part: 'tasks',
  file: `tasks/STeCa/vh_${split}_test.jsonl`,
  addresses: [
    `https://raw.githubusercontent.com/WangHanLinHenry/STeCa/b2cc515b46e8444a8da6af735b23345fcf8d4d0f/dataset/vh_${split}_test.jsonl`,
  ],
  holds: `247 ${split} test tasks with programs, goals and expected observations`,
  licence: 'none stated (STeCa)',
  sizeBytes,
  diskBytes: sizeBytes,
  sha256, // of git blob 031fdab5 (seen) and ee360ce8 (unseen)
});

// Sources: xavierpuigf/virtualhome@9ed0676 helper_scripts/download_dataset.sh; WangHanLinHenry/STeCa@b2cc515 dataset/.
const virtualhome: DataSource = {
  variable: 'VIRTUALHOME_DATA',
  usual: ['tasks', 'programs'],
  artefacts: [
    stecaTasks('seen', 736_258, '3d7c3b3b3c818f3bea81d51a4f7d4119d0a2c79dc323f12c5cf179924ac529d0'),
    stecaTasks('unseen', 780_938, '1a98f14cce80c9b48151eaeaf8215857b5e246fbec4f272f08eaa1337067ea6f'),
    {
      part: 'programs',
      file: `${programsFolder}.zip`,
      addresses: [`http://virtual-home.org/release/programs/${programsFolder}.zip`],
      holds: 'programs and the graphs before and after each, all scenes; about 1.6 GB, graphs are kept compressed',
      licence: 'not stated; the repository was CC BY-NC-SA 4.0 (v1.0.0), now MIT',
      sizeBytes: null,
      diskBytes: 5 * GB,
      sha256: null,
      archive: {
        place: placeProgram,
        gzip: (path) => path.includes('/init_and_final_graphs/') && path.endsWith('.json'),
        maxFiles: 200_000,
        maxBytes: 100 * GB,
      },
    },
  ],
};

/** The published data of each world. */
export const dataSources: Readonly<Record<DataName, DataSource>> = { alfworld, webshop, virtualhome };

/** Free space that must be left beside what is fetched. */
export const spareBytes = 100 * MB;
