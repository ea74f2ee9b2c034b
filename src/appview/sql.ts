export {
  type RowTypes,
  type Sql,
  type SqlPool,
  type Statement,
  transaction,
} from '../database/sql.ts'
