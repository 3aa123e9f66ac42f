/**
 * What an operation of the admin API is: declared once, as data. Routing, checks of what comes in, and the OpenAPI document
 * are made from the declaration, so that they cannot differ; what does the work is given to `routes` beside it.
 */
import { z } from 'zod'

/** Who may call an operation: anybody who reaches the listener, or an admin. */
export type Access = 'open' | 'admin'

/** Methods of operations. */
export type Method = 'get' | 'post' | 'put' | 'delete'

/** What a declaration may leave out is `undefined` here. */
export interface Operation<
  P extends z.ZodObject = z.ZodObject,
  B extends z.ZodObject = z.ZodObject,
  A extends z.ZodType = z.ZodType,
> {
  readonly method: Method
  /** Below `/admin/v1`; `{word}` stands for the parameter of that name. */
  readonly path: string
  readonly access: Access
  /** A sentence for people. */
  readonly summary: string
  /** What there is to know besides. */
  readonly description: string | undefined
  /** Those in the path by its words, all others in the query. */
  readonly parameters: P
  readonly body: B
  /** Status of success. */
  readonly status: 200 | 202 | 204
  /** What is answered; `z.void()` where nothing is. */
  readonly answer: A
  /** Status → when it is answered with, besides what every operation may refuse. */
  readonly refusals: Readonly<Record<number, string>>
}

const NOTHING = z.strictObject({})

/** What must be said of an operation. */
type Declaration<P extends z.ZodObject, B extends z.ZodObject, A extends z.ZodType> = Pick<
  Operation,
  'method' | 'path' | 'summary'
> &
  Partial<Omit<Operation<P, B, A>, 'method' | 'path' | 'summary'>>

/** Declares an operation: of an admin, without parameters and body, answered with 200, or 204 where nothing is said. */
export const declare = <
  P extends z.ZodObject = typeof NOTHING,
  B extends z.ZodObject = typeof NOTHING,
  A extends z.ZodType = z.ZodVoid,
>(
  declaration: Declaration<P, B, A>,
): Operation<P, B, A> => ({
  access: 'admin',
  description: undefined,
  // What is left out has the type that the parameter of this function has by default.
  parameters: NOTHING as unknown as P,
  body: NOTHING as unknown as B,
  answer: z.void() as unknown as A,
  status: declaration.answer === undefined ? 204 : 200,
  refusals: {},
  ...declaration,
})

/** The same with everything in it, lists too, not to be changed. */
type Frozen<T> = T extends readonly (infer I)[]
  ? readonly Frozen<I>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

/** A call of an operation, checked. */
export interface Call<O extends Operation> {
  readonly parameters: z.output<O['parameters']>
  readonly body: z.output<O['body']>
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
}

/** What an operation answers. */
export type AnswerOf<O extends Operation> = Frozen<z.input<O['answer']>>

/** Does the work of an operation. @throws RegistryError */
export type Handler<O extends Operation> = (call: Call<O>) => AnswerOf<O> | Promise<AnswerOf<O>>

/** Operations by name. */
export type Operations = Readonly<Record<string, Operation>>

/** What does the work of each of them. */
export type Handlers<T extends Operations> = { readonly [K in keyof T]: Handler<T[K]> }
