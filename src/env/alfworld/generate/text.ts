/** Writes a generated game in ALFWorld's format: problem, a domain with its rules, and a grammar with its sentences. */
import type { Rng } from '../../../base/rng.ts';
import type { GameText } from '../game.ts';
import { openable } from '../home.ts';
import { canContain, type Quest, type Thing } from './draw.ts';
import { abilities } from './room.ts';

/** Content of `game.tw-pddl`. */
export interface GameFile extends GameText {
  readonly solvable: boolean;
}

/** Writes a game. */
export function writeGame(
  quest: Quest,
  things: readonly Thing[],
  options: { readonly rng: Rng; readonly put: 'put' | 'move' },
): GameFile {
  return {
    pddl_domain: domain,
    grammar: grammarOf(options.rng.pick(taskSentences(quest)), options.put),
    pddl_problem: problemOf(quest, things),
    solvable: true,
  };
}

function taskSentences({ type, object, target }: Quest): readonly string[] {
  const [o, r] = [object.toLowerCase(), target.toLowerCase()];
  switch (type) {
    case 'pick_and_place_simple':
      return [`put a ${o} in ${r}.`, `put some ${o} on ${r}.`];
    case 'look_at_obj_in_light':
      return [`look at ${o} under the ${r}.`, `examine the ${o} with the ${r}.`];
    case 'pick_clean_then_place_in_recep':
      return [`put a clean ${o} in ${r}.`, `clean some ${o} and put it in ${r}.`];
    case 'pick_heat_then_place_in_recep':
      return [`put a hot ${o} in ${r}.`, `heat some ${o} and put it in ${r}.`];
    case 'pick_cool_then_place_in_recep':
      return [`put a cool ${o} in ${r}.`, `cool some ${o} and put it in ${r}.`];
    case 'pick_two_obj_and_place':
      return [`put two ${o} in ${r}.`, `find two ${o} and put them in ${r}.`];
    default:
      return type satisfies never;
  }
}

function problemOf(quest: Quest, things: readonly Thing[]): string {
  const { furniture } = quest.scene;
  const start = 'loc_bar_0_bar_0_bar_0_bar_30_bar_start';
  const objectClasses = [...new Set(things.map(({ className }) => className))].sort();
  const receptacleClasses = [...new Set(furniture.map(({ className }) => className))].sort();
  const declared = [
    'agent1 - agent',
    ...objectClasses.map((name) => `${name}Type - otype`),
    ...receptacleClasses.map((name) => `${name}Type - rtype`),
    ...things.map(({ id }) => `${id} - object`),
    ...furniture.map(({ id }) => `${id} - receptacle`),
    ...[start, ...furniture.map(({ location }) => location)].map((id) => `${id} - location`),
  ];
  const facts = [
    `atLocation agent1 ${start}`,
    ...furniture.flatMap(({ id, className, location }) => [
      `receptacleType ${id} ${className}Type`,
      `receptacleAtLocation ${id} ${location}`,
      ...(openable.includes(className.toLowerCase()) ? [`openable ${id}`] : []),
    ]),
    ...things.flatMap(factsOf),
    ...receptacleClasses.flatMap((r) =>
      objectClasses.filter((o) => canContain(r, o)).map((o) => `canContain ${r}Type ${o}Type`),
    ),
  ];
  return [
    `(define (problem scene_${quest.scene.number})`,
    ' (:domain alfred)',
    ` (:objects\n  ${declared.join('\n  ')})`,
    ` (:init\n  ${facts.map((fact) => `(${fact})`).join('\n  ')})`,
    ` (:goal ${goalOf(quest)})`,
    ')',
  ].join('\n');
}

function factsOf({ className, id, at }: Thing): string[] {
  const able = Object.entries(abilities).flatMap(([ability, classes]) =>
    classes.includes(className) ? [`${ability === 'container' ? 'isReceptacleObject' : ability} ${id}`] : [],
  );
  return [
    `objectType ${id} ${className}Type`,
    `objectAtLocation ${id} ${at.location}`,
    `inReceptacle ${id} ${at.id}`,
    className === 'DeskLamp' ? `toggleable ${id}` : `pickupable ${id}`,
    ...able,
  ];
}

function goalOf({ type, object, target }: Quest): string {
  const inside = `(objectType ?o ${object}Type) (receptacleType ?r ${target}Type) (inReceptacle ?o ?r)`;
  const one = (extra: string): string => `(exists (?r - receptacle ?o - object) (and ${extra}${inside}))`;
  switch (type) {
    case 'pick_and_place_simple':
      return one('');
    case 'look_at_obj_in_light':
      return [
        `(and (exists (?ot - object ?r - receptacle ?a - agent ?l - location) (and (objectType ?ot ${target}Type)`,
        '(toggleable ?ot) (isToggled ?ot) (receptacleAtLocation ?r ?l) (atLocation ?a ?l) (inReceptacle ?ot ?r)))',
        `(exists (?o - object ?a - agent) (and (objectType ?o ${object}Type) (holds ?a ?o))))`,
      ].join(' ');
    case 'pick_clean_then_place_in_recep':
      return one('(cleanable ?o) (isClean ?o) ');
    case 'pick_heat_then_place_in_recep':
      return one('(heatable ?o) (isHot ?o) ');
    case 'pick_cool_then_place_in_recep':
      return one('(coolable ?o) (isCool ?o) ');
    case 'pick_two_obj_and_place':
      return [
        `(exists (?r - receptacle) (and (receptacleType ?r ${target}Type) (exists (?o1 - object ?o2 - object) (and (not (= ?o1 ?o2))`,
        `(objectType ?o1 ${object}Type) (objectType ?o2 ${object}Type) (inReceptacle ?o1 ?r) (inReceptacle ?o2 ?r)))))`,
      ].join(' ');
    default:
      return type satisfies never;
  }
}

/** The rules a reader takes from a domain; the rest of ALFWorld's rules are the engine's. */
const domain = `(define (domain alfred)
 (:requirements :adl :typing)
 (:types agent location receptacle object rtype otype)
 (:action CleanObject :parameters (?a - agent ?l - location ?r - receptacle ?o - object)
  :precondition (and (cleanable ?o) (receptacleType ?r SinkBasinType) (atLocation ?a ?l) (receptacleAtLocation ?r ?l) (holds ?a ?o))
  :effect (and (isClean ?o)))
 (:action HeatObject :parameters (?a - agent ?l - location ?r - receptacle ?o - object)
  :precondition (and (heatable ?o) (receptacleType ?r MicrowaveType) (atLocation ?a ?l) (receptacleAtLocation ?r ?l) (holds ?a ?o))
  :effect (and (isHot ?o) (not (isCool ?o))))
 (:action CoolObject :parameters (?a - agent ?l - location ?r - receptacle ?o - object)
  :precondition (and (coolable ?o) (receptacleType ?r FridgeType) (atLocation ?a ?l) (receptacleAtLocation ?r ?l) (holds ?a ?o))
  :effect (and (isCool ?o) (not (isHot ?o)))))
`;

function grammarOf(task: string, put: 'put' | 'move'): string {
  const isMove = put === 'move';
  const rule = (name: string, text: string): string =>
    `        ${JSON.stringify(name)}: [{ "rhs": ${JSON.stringify(text)} }]`;
  const rules = [
    rule('task', `Your task is to: ${task}`),
    rule('GotoLocation.feedback', `You arrive at {${isMove ? 'r' : 'lend'}.name}. #examineReceptacle.feedback#`),
    ...(isMove ? [rule('help.feedback', help)] : []),
  ];
  const template = isMove ? 'move {o} to {r}' : 'put {o} in/on {r}';
  return `grammar :: """\n    {\n${rules.join(',\n')}\n    }\n""";\n\naction PutObject {\n    template :: "${template}";\n}\n`;
}

const help =
  '\nCommands: look, inventory, go to (place), open (place), close (place), take (object) from (place), move (object) to (place), examine (something), use (object), heat (object) with (place), clean (object) with (place), cool (object) with (place), slice (object) with (object)\n';
