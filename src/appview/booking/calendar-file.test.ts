import ICAL from 'ical.js'
import { expect, test } from 'vitest'
import { type CalendarEntry, calendarFeed, calendarFile } from './calendar-file.ts'

const entry: CalendarEntry = {
  uid: '3k@did:plc:shop',
  sequence: 2,
  start: Date.parse('2026-11-30T10:00:00Z'),
  end: Date.parse('2026-11-30T11:30:00Z'),
  summary: 'Install; speakers, front\nBEGIN:VEVENT',
  location: 'Hauptstraße 1, Berlin',
  status: 'CONFIRMED',
  changed: Date.parse('2026-11-28T10:00:00Z'),
  organizer: { did: 'did:plc:shop', name: 'Shop "One"\r\nX-EVIL:1' },
  relatedTo: 'series@did:plc:shop',
}
const read = (text: string) => {
  const calendar = new ICAL.Component(ICAL.parse(text))
  const events = calendar.getAllSubcomponents('vevent')
  return { calendar, events, event: events[0]! }
}

test('a calendar reads what was booked, by a name that stays and a number that rises', () => {
  const { calendar, events, event } = read(calendarFile(entry))
  expect(events).toHaveLength(1)
  expect(calendar.getFirstPropertyValue('method')).toBe('PUBLISH')
  const value = (name: string) => event.getFirstPropertyValue(name)
  expect(value('uid')).toBe(entry.uid)
  expect(value('sequence')).toBe(2)
  expect(String(value('dtstart'))).toBe('2026-11-30T10:00:00Z')
  expect(String(value('dtend'))).toBe('2026-11-30T11:30:00Z')
  expect(value('summary')).toBe(entry.summary)
  expect(value('related-to')).toBe('series@did:plc:shop')
  expect(value('organizer')).toBe('did:plc:shop')
  expect(calendar.getAllProperties('x-evil')).toEqual([])
  expect(event.getAllProperties('x-evil')).toEqual([])
})

test('a cancelled appointment is taken out of the calendar', () => {
  const { calendar, event } = read(calendarFile({ ...entry, status: 'CANCELLED', sequence: 3 }))
  expect(calendar.getFirstPropertyValue('method')).toBe('CANCEL')
  expect(event.getFirstPropertyValue('status')).toBe('CANCELLED')
})

test('a feed has a name and each entry once, in lines that calendars can read', () => {
  const text = calendarFeed('Bay one', [entry, { ...entry, uid: 'other', relatedTo: undefined }])
  const { calendar, events } = read(text)
  expect(calendar.getFirstPropertyValue('x-wr-calname')).toBe('Bay one')
  expect(events).toHaveLength(2)
  expect(text.split('\r\n').every((line) => Buffer.byteLength(line) <= 80)).toBe(true)
  expect(text.endsWith('END:VCALENDAR\r\n')).toBe(true)
})
