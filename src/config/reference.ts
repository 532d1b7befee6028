import { jsonSchema } from './file-schema.js';

/** The subset of JSON Schema that `jsonSchema` produces. */
interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly anyOf?: readonly SchemaNode[];
  /** The members of a union that is discriminated by `type`. */
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** The cells of a table row. */
interface Row {
  readonly key: string;
  readonly values: string;
  readonly defaultValue: string;
  readonly description: string;
}

interface Section {
  readonly title: string;
  readonly rows: Row[];
}

/** Zod gives integers without limits the safe integers as limits; these are not shown. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Formats all settings as Markdown tables, one per section, with the columns key, values, default and description.
 * Mappings with the same settings, such as the corpora of each split, share a table.
 */
export function configReference(schema: Readonly<Record<string, unknown>> = jsonSchema()): string {
  return sectionsOf(schema as SchemaNode)
    .map(formatSection)
    .join('\n');
}

function formatSection({ title, rows }: Section): string {
  const header = '| key | values | default | meaning |\n| --- | --- | --- | --- |';
  return `### ${title}\n\n${header}\n${rows.map(formatRow).join('\n')}\n`;
}

function sectionsOf(root: SchemaNode): Section[] {
  const top: Section = { title: 'Top level', rows: [] };
  const sections = [top];
  for (const [name, node] of Object.entries(root.properties ?? {})) {
    if (node.properties === undefined) {
      top.rows.push(rowOf(name, node, root.required?.includes(name) ?? false));
      continue;
    }
    const section: Section = { title: `\`${name}\``, rows: [] };
    const groups: Group[] = [];
    addRows(section.rows, groups, name, node);
    sections.push(section, ...sharedSections(groups));
  }
  return sections;
}

/** Settings with a separate table: those of list items, of optional mappings and of union members. */
interface Group {
  readonly path: string;
  /** Values of `type` for which the settings are valid, in a union. */
  readonly kind?: readonly string[];
  readonly node: SchemaNode;
}

function addRows(rows: Row[], groups: Group[], path: string, { properties = {}, required = [] }: SchemaNode): void {
  for (const [name, node] of Object.entries(properties)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (node.oneOf !== undefined) {
      rows.push(typeRow(`${key}.type`, node.oneOf));
      for (const kind of node.oneOf) groups.push({ path: key, kind: typesOf(kind), node: withoutType(kind) });
      continue;
    }
    const isGroup = node.properties !== undefined;
    if (isGroup && node.default !== undefined) {
      addRows(rows, groups, key, node);
      continue;
    }
    rows.push(rowOf(key, node, required.includes(name) && node.default === undefined));
    for (const member of node.anyOf ?? [node]) {
      if (member.properties !== undefined) groups.push({ path: key, node: member });
      else if (member.items?.properties !== undefined) groups.push({ path: `${key}.N`, node: member.items });
    }
  }
}

function sharedSections(groups: readonly Group[]): Section[] {
  const alike = new Map<string, Group[]>();
  for (const group of groups) {
    const identity = JSON.stringify([group.kind, group.node.properties]);
    alike.set(identity, [...(alike.get(identity) ?? []), group]);
  }
  return [...alike.values()].map((members) => {
    const rows: Row[] = [];
    const [{ path, kind, node }] = members as [Group];
    addRows(rows, [], kind === undefined ? '' : path, node);
    return { title: members.map(titleOf).join(', '), rows };
  });
}

function titleOf({ path, kind }: Group): string {
  return kind === undefined ? `\`${path}\`` : `\`${path}\` of type ${kind.map((type) => `\`${type}\``).join(', ')}`;
}

function typesOf(kind: SchemaNode): readonly string[] {
  return kind.properties?.['type']?.enum ?? [];
}

function withoutType(kind: SchemaNode): SchemaNode {
  const properties = Object.fromEntries(Object.entries(kind.properties ?? {}).filter(([name]) => name !== 'type'));
  return { ...kind, properties };
}

/** The row of the `type` that selects the member of a union. */
function typeRow(key: string, kinds: readonly SchemaNode[]): Row {
  const types = kinds.flatMap((kind) => kind.properties?.['type'] ?? []);
  const typeWithDefault = types.find((type) => type.default !== undefined);
  return rowOf(key, { ...types[0], default: typeWithDefault?.default, enum: kinds.flatMap(typesOf) }, false);
}

function rowOf(key: string, node: SchemaNode, required: boolean): Row {
  const { description = '' } = node;
  return { key, values: describeValues(node), defaultValue: describeDefault(node, required), description };
}

function describeDefault({ default: value }: SchemaNode, required: boolean): string {
  if (required) return 'required';
  return value === undefined ? '' : `\`${JSON.stringify(value).replace(/^"(.*)"$/, '$1')}\``;
}

function describeValues(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((choice) => `\`${choice}\``).join(', ');
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.anyOf !== undefined) return node.anyOf.map(describeValues).join('; ');
  switch (node.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `integer${describeRange(node)}`;
    case 'number':
      return `number${describeRange(node)}`;
    case 'array':
      return 'list';
    case 'object':
      return 'mapping';
    default:
      return node.maxLength === 1 ? (node.minLength === 1 ? 'character' : 'character or empty') : 'string';
  }
}

function describeRange({
  minimum = -NO_LIMIT,
  maximum = NO_LIMIT,
  exclusiveMinimum,
  exclusiveMaximum,
}: SchemaNode): string {
  const least =
    exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : minimum > -NO_LIMIT ? `from ${minimum}` : '';
  const most = exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : maximum < NO_LIMIT ? `to ${maximum}` : '';
  return [least, most].map((text) => (text === '' ? '' : ` ${text}`)).join('');
}

function formatRow({ key, values, defaultValue, description }: Row): string {
  const cells = [`\`${key}\``, values, defaultValue, description];
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
