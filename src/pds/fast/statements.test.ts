import SqliteDatabase from 'better-sqlite3'
import { expect, test } from 'vitest'
import { keepStatements } from './statements.ts'

function database(): SqliteDatabase.Database {
  const db = new SqliteDatabase(':memory:')
  keepStatements(db)
  db.prepare('create table t (a integer)').run()
  return db
}

test('the same SQL is prepared once', () => {
  const db = database()
  const insert = db.prepare('insert into t values (?)')
  insert.run([1])
  expect(db.prepare('insert into t values (?)')).toBe(insert)
  expect(db.prepare('select a from t').all()).toEqual([{ a: 1 }])
})

test('a statement that is being read from is not handed out a second time', () => {
  const db = database()
  db.prepare('insert into t values (1), (2)').run()
  const outer = db.prepare('select a from t').iterate()
  outer.next()
  expect(db.prepare('select a from t').all()).toHaveLength(2)
  outer.return?.()
})

test('a change of the schema is seen by the next statement', () => {
  const db = database()
  db.prepare('insert into t values (1)').run()
  expect(db.prepare('select * from t').all()).toEqual([{ a: 1 }])
  db.prepare('alter table t add column b integer default 2').run()
  expect(db.prepare('select * from t').all()).toEqual([{ a: 1, b: 2 }])
})

test('statements that fail can be run again', () => {
  const db = database()
  db.prepare('create unique index u on t (a)').run()
  const sql = 'insert into t values (?)'
  db.prepare(sql).run([1])
  expect(() => db.prepare(sql).run([1])).toThrow('UNIQUE')
  expect(db.prepare(sql).run([2]).changes).toBe(1)
})
