/** The world of an experiment: fields of the manifest. */
import Type from 'typebox';
import { choice, count, flag, group, natural, optionalText, real } from '../field.ts';
import { resource, semantic } from '../role.ts';

const webshop = group('Rules of the world `webshop`; other worlds ignore them.', {
  goals: semantic(
    choice('Source `files`: instructions written by people, or the ones made of attributes and options.', [
      'human',
      'synthetic',
    ]),
  ),
  priceSeed: semantic(
    count('Seed of prices given as ranges; the original draws them anew in each process.', 1, natural),
  ),
  pageReward: semantic(
    choice(
      'Value of pages before the purchase: `none`, or what the released environment gives for the products on a page; a step earns the difference, so that the return is the value of the last page or the purchase.',
      ['none', 'released'],
    ),
  ),
  index: resource(
    optionalText(
      'Folder of the index of a large product file, made when first needed; null = `spa-index` beside the file.',
    ),
  ),
});

const virtualhome = group('Rules of the world `virtualhome`; other worlds ignore them.', {
  leakIds: semantic(
    flag(
      'The recorded solution decides which of several things of a name is meant, as released; false: the nearest, else one drawn from the seed.',
      true,
    ),
  ),
  strictHead: semantic(flag('Keep the faults of the public executor that the recorded data do not show.', false)),
  refusalFixesNames: semantic(
    flag(
      'A refused action still decides which thing its names mean from then on, as released; false: only an executed one does.',
      true,
    ),
  ),
});

const taskRange = (description: string) =>
  semantic(
    Type.Optional(
      Type.Union([Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })]), Type.Null()], {
        description,
        default: null,
      }),
    ),
  );

const http = group('The server of the world `http`; other worlds ignore it.', {
  url: resource(optionalText('Its address, e.g. http://127.0.0.1:36001.')),
  dialect: semantic(
    choice('The words it speaks: `generic` is what `spa serve` speaks, the others are AgentGym servers.', [
      'generic',
      'alfworld',
      'webshop',
      'textcraft',
      'sciworld',
    ]),
  ),
  world: semantic(
    optionalText('Name of the world behind it, which chooses the prompt; null = what the server or dialect says.'),
  ),
  revision: semantic(
    optionalText(
      'What tells two servers of the same tasks apart, e.g. a version: AgentGym servers do not say. In the key.',
    ),
  ),
  train: taskRange('Numbers of the training tasks, [from, to); null = what our own server lists.'),
  valid: taskRange('Numbers of the tasks of split `valid`.'),
  test: taskRange('Numbers of the tasks of split `test`.'),
  timeoutSeconds: resource(real('Longest wait for one reply.', 60, { exclusiveMinimum: 0, maximum: 300 })),
  retries: resource(count('How often a call that may be repeated is.', 4, natural)),
});

/** Group `environment` of the manifest. */
export const environment = group('The world the agent acts in.', {
  name: semantic(choice('Which world; `http`: one behind a server.', ['alfworld', 'webshop', 'virtualhome', 'http'])),
  source: semantic(
    choice('`generated`: tasks made from a seed, no download; `files`: the published data of the world.', [
      'generated',
      'files',
    ]),
  ),
  data: resource(
    optionalText(
      'Folder of the published data, for source `files`; null = the variable ALFWORLD_DATA, WEBSHOP_DATA or VIRTUALHOME_DATA. Its content is in the key, its place is not.',
    ),
  ),
  size: semantic(
    choice('Size of generated scenes: `small` for a tiny model, `full` as in the published data.', ['small', 'full']),
  ),
  worldSeed: semantic(
    count(
      'Seed of the generated tasks; shared by all seeds of the experiment, so that they play the same tasks.',
      1,
      natural,
    ),
  ),
  games: group('How many tasks each generated split has.', {
    train: semantic(count('Training tasks.', 2000)),
    valid_seen: semantic(count('Held-out tasks in scenes, or about families of products, that training shows.', 140)),
    valid_unseen: semantic(
      count('Held-out tasks in scenes, or about families of products, that training never shows.', 134),
    ),
  }),
  maxTurns: semantic(
    Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
        description:
          'Turns after which an episode ends as `limit`; null = as released (eval_agent/configs/task/*.json): alfworld 40, virtualhome 40, webshop 10; http 40.',
        default: null,
      }),
    ),
  ),
  webshop,
  virtualhome,
  http,
});
