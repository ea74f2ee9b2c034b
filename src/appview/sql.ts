export { type RowTypes, type Sql, type SqlPool, transaction } from '../database/sql.ts'
