BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'sopbot','m001_initial','2026-11-27 03:45:27.318706+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'sopbot','m002_expand_storm','2026-11-27 03:45:27.326164+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'sopbot','m003_expand_audit','2026-11-27 03:45:27.326663+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'sopbot','m004_expand_approvals','2026-11-27 03:45:27.336281+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'sopbot','m005_expand_identity','2026-11-27 03:45:27.336578+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'sopbot','m006_expand_blockers','2026-11-27 03:45:27.338990+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'sopbot','m007_expand_shown_alert','2026-11-27 03:45:27.360220+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'sopbot','m008_expand_proposing','2026-11-27 03:45:27.360875+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'sopbot','m009_expand_news','2026-11-27 03:45:27.367198+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'sopbot','m010_expand_shared_parts','2026-11-27 03:45:27.368321+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'sopbot','m011_expand_senders','2026-11-27 03:45:27.374254+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'sopbot','m012_expand_turns','2026-11-27 03:45:27.377873+00:00');
INSERT INTO "_sqlite_migrations" VALUES(13,'sopbot','m013_expand_attempts','2026-11-27 03:45:27.383535+00:00');
INSERT INTO "_sqlite_migrations" VALUES(14,'sopbot','m014_expand_questions','2026-11-27 03:45:27.383945+00:00');
INSERT INTO "_sqlite_migrations" VALUES(15,'sopbot','m015_expand_takeovers','2026-11-27 03:45:27.389715+00:00');
INSERT INTO "_sqlite_migrations" VALUES(16,'sopbot','m016_expand_watched','2026-11-27 03:45:27.390162+00:00');
INSERT INTO "_sqlite_migrations" VALUES(17,'sopbot','m017_expand_firing_order','2026-11-27 03:45:27.393120+00:00');
INSERT INTO "_sqlite_migrations" VALUES(18,'sopbot','m018_expand_recorded_requests','2026-11-27 03:45:27.395651+00:00');
CREATE TABLE advice (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    question TEXT NOT NULL,             -- '' for the advice given unasked
    asked_by TEXT NOT NULL,
    rank INTEGER NOT NULL,              -- the gravest incident is advised first
    state TEXT NOT NULL,                -- wanted, running, done
    owner TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    body TEXT,
    at TEXT NOT NULL
);
INSERT INTO "advice" VALUES(1,1,'','',1,'done','before',1,'{"source":"\\u0000 as JSON writes it, \\x00 as Python does, \\N ","text":"\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL''s COPY, \\. too"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(2,2,'','',1,'running','before',1,'{"source":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {","text":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(3,3,'','',1,'wanted','',0,'{"source":"lone surrogates, as the store keeps them: \\ud800 \\","text":"lone surrogates, as the store keeps them: \\ud800 \\udfff"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(4,4,'','',1,'wanted','',0,'{"source":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff","text":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(5,5,'','',1,'wanted','',0,'{"source":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25","text":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(6,6,'','',1,'wanted','',0,'{"source":"","text":""}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(7,7,'','',1,'wanted','',0,'{"source":" ","text":" "}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(8,8,'','',1,'wanted','',0,'{"source":"NULL","text":"NULL"}','2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(9,9,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(10,10,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(11,11,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(12,12,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(13,13,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(14,14,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(15,15,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(16,16,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(17,17,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(18,18,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(19,19,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(20,20,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(21,21,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(22,22,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(23,22,'\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','U0BEN',1,'wanted','',0,NULL,'2026-11-21T03:04:08.000000Z');
INSERT INTO "advice" VALUES(24,22,'''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','U0BEN',1,'wanted','',0,NULL,'2026-11-21T03:04:08.000000Z');
INSERT INTO "advice" VALUES(25,22,'lone surrogates, as the store keeps them: \ud800 \udfff','U0BEN',1,'wanted','',0,NULL,'2026-11-21T03:04:08.000000Z');
INSERT INTO "advice" VALUES(26,23,'','',1,'wanted','',0,NULL,'2026-11-21T03:04:05.000000Z');
INSERT INTO "advice" VALUES(27,23,'why?','U0ANA',1,'wanted','',0,NULL,'2026-11-21T03:04:06.000000Z');
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    dedup_key TEXT NOT NULL UNIQUE,     -- the same alert told twice is stored once
    incident_id INTEGER REFERENCES incidents (id),
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    severity TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tracking_id TEXT NOT NULL,
    reason TEXT NOT NULL,               -- why it joined, or opened, or did neither
    told_at TEXT NOT NULL,              -- when its sender said it; '' where that is not known
    received_at TEXT NOT NULL,
    body TEXT NOT NULL                  -- the whole alert as JSON, with what arrived
, shared TEXT NOT NULL DEFAULT '', sender TEXT NOT NULL DEFAULT '');
INSERT INTO "alerts" VALUES(1,'telling-2',1,'alertmanager','firing','HighCpu','high','fp-hostile-0','req-2','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL''s COPY, \\. too","text":"\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL''s COPY, \\. too","env":"prod","region":"","service":"hostile-0","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL''s COPY, \\. too","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-0","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(2,'telling-4',2,'alertmanager','firing','HighCpu','high','fp-hostile-1','req-4','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline","text":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline","env":"prod","region":"","service":"hostile-1","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-1","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(3,'telling-6',3,'alertmanager','firing','HighCpu','high','fp-hostile-2','req-6','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"lone surrogates, as the store keeps them: \\ud800 \\udfff","text":"lone surrogates, as the store keeps them: \\ud800 \\udfff","env":"prod","region":"","service":"hostile-2","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"lone surrogates, as the store keeps them: \\ud800 \\udfff","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-2","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(4,'telling-8',4,'alertmanager','firing','HighCpu','high','fp-hostile-3','req-8','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff","text":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff","env":"prod","region":"","service":"hostile-3","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-3","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(5,'telling-10',5,'alertmanager','firing','HighCpu','high','fp-hostile-4','req-10','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25","text":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25","env":"prod","region":"","service":"hostile-4","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-4","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(6,'telling-12',6,'alertmanager','firing','HighCpu','high','fp-hostile-5','req-12','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"","text":"","env":"prod","region":"","service":"hostile-5","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-5","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(7,'telling-14',7,'alertmanager','firing','HighCpu','high','fp-hostile-6','req-14','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":" ","text":" ","env":"prod","region":"","service":"hostile-6","category":"cpu","severity":"high","severity_raw":"","labels":{"words":" ","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-6","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(8,'telling-16',8,'alertmanager','firing','HighCpu','high','fp-hostile-7','req-16','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"NULL","text":"NULL","env":"prod","region":"","service":"hostile-7","category":"cpu","severity":"high","severity_raw":"","labels":{"words":"NULL","nul":"\u0000"},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-hostile-7","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(9,'telling-18',9,'alertmanager','firing','HighCpu','high','fp-ends-0','req-18','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-0","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-0","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(10,'telling-21',10,'alertmanager','firing','HighCpu','high','fp-ends-1','req-21','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-1","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-1","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(11,'telling-24',11,'alertmanager','firing','HighCpu','high','fp-ends-2','req-24','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-2","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-2","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(12,'telling-27',12,'alertmanager','firing','HighCpu','high','fp-ends-3','req-27','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-3","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-3","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(13,'telling-30',13,'alertmanager','firing','HighCpu','high','fp-ends-4','req-30','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-4","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-4","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(14,'telling-33',14,'alertmanager','firing','HighCpu','high','fp-ends-5','req-33','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-5","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-5","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(15,'telling-36',15,'alertmanager','firing','HighCpu','high','fp-ends-6','req-36','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-6","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-6","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(16,'telling-39',16,'alertmanager','firing','HighCpu','high','fp-ends-7','req-39','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-7","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-7","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(17,'telling-42',17,'alertmanager','firing','HighCpu','high','fp-ends-8','req-42','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-8","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-8","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(18,'telling-45',18,'alertmanager','firing','HighCpu','high','fp-ends-9','req-45','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-9","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-9","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(19,'telling-48',19,'alertmanager','firing','HighCpu','high','fp-ends-10','req-48','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-10","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-10","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(20,'telling-51',19,'alertmanager','resolved','HighCpu','high','fp-ends-10','req-51','same fingerprint','','2026-11-21T03:04:12.000000Z','{"source":"alertmanager","status":"resolved","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-10","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-10","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(21,'telling-53',20,'alertmanager','firing','HighCpu','high','fp-ends-11','req-53','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-11","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-11","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(22,'telling-56',20,'alertmanager','resolved','HighCpu','high','fp-ends-11','req-56','same fingerprint','','2026-11-21T03:04:12.000000Z','{"source":"alertmanager","status":"resolved","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-11","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-11","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(23,'telling-58',21,'alertmanager','firing','HighCpu','high','fp-ends-12','req-58','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"ends-12","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-ends-12","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(24,'telling-61',22,'alertmanager','firing','HighCpu','high','fp-asked','req-61','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"asked","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-asked","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(25,'telling-63',22,'alertmanager','firing','HighCpu','critical','fp-second','req-63','same env, service and category','','2026-11-21T03:04:06.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"asked","category":"cpu","severity":"critical","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-second","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(26,'telling-64',22,'alertmanager','firing','HighCpu','high','fp-third','req-64','same env, service and category','','2026-11-21T03:04:06.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"asked","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-third","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(27,'telling-66',22,'alertmanager','resolved','HighCpu','high','fp-third','req-66','same fingerprint','','2026-11-21T03:04:07.000000Z','{"source":"alertmanager","status":"resolved","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"asked","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-third","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(28,'telling-68',NULL,'alertmanager','resolved','HighCpu','high','fp-unknown','req-68','resolved, and no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"resolved","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"never-opened","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-unknown","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
INSERT INTO "alerts" VALUES(29,'telling-70',23,'alertmanager','firing','HighCpu','high','fp-mentioned','req-70','no open incident matches','','2026-11-21T03:04:05.000000Z','{"source":"alertmanager","status":"firing","name":"HighCpu","title":"web: CPU at 93 %","text":"","env":"prod","region":"","service":"mentioned","category":"cpu","severity":"high","severity_raw":"","labels":{},"annotations":{},"value":"","threshold":"","starts_at":null,"ends_at":null,"links":[],"fingerprint":"fp-mentioned","tracking_id":"","incident_key":"","sop_id":"","raw":null}','','');
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,                -- 128 random bits: all that a button carries
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    origin TEXT NOT NULL UNIQUE,        -- what made it: the same cause proposes once
    state TEXT NOT NULL,
    proposal TEXT NOT NULL,
    preview TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    needed INTEGER NOT NULL,
    approvers TEXT NOT NULL,
    digest TEXT NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at TEXT,
    reason TEXT NOT NULL DEFAULT ''
, terms TEXT NOT NULL DEFAULT '', undoes TEXT NOT NULL DEFAULT '', action_id TEXT NOT NULL DEFAULT '', target TEXT NOT NULL DEFAULT '', drawn TEXT NOT NULL DEFAULT '');
INSERT INTO "approvals" VALUES('00000000000000000000000000000013',9,'test:00000000000000000000000000000013','expired','{"action_id":"service.restart","title":"Restart web","target":"web-19","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:10.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','6c0cc2f6a8123f84967a9a9110ed02904bfa6228a51a24a4f02cb860a063238c','','2026-11-21T03:04:11.000000Z','nobody decided in time','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-19','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000016',10,'test:00000000000000000000000000000016','expired','{"action_id":"service.restart","title":"Restart web","target":"web-22","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:11.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','119604c7260b22fc06732f4b9275cb1713ef9178cf350764e75e9b839385d40e','','2026-11-21T03:04:11.000000Z','nobody decided in time','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-22','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000019',11,'test:00000000000000000000000000000019','revoked','{"action_id":"service.restart","title":"Restart web","target":"web-25","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:12.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','14402806733d00d0150f0b06eddc7f9546750741ca68fd87d36b8f6580811133','U0BEN','2026-11-21T03:04:07.000000Z','the incident resolved','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-25','');
INSERT INTO "approvals" VALUES('0000000000000000000000000000001c',12,'test:0000000000000000000000000000001c','rejected','{"action_id":"service.restart","title":"Restart web","target":"web-28","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:13.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','79b0fd8bed76186e4d5d0c83c882224ebf3dcf0be3999625c621067da2665e1c','U0ANA','2026-11-21T03:04:06.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-28','');
INSERT INTO "approvals" VALUES('0000000000000000000000000000001f',13,'test:0000000000000000000000000000001f','awaiting approval','{"action_id":"service.restart","title":"Restart web","target":"web-31","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:14.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','26ad70e27de0414d168b2a1eb0ba506e7cfdaebda6256cde697a94b5fcf5ed0d','',NULL,'','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-31','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000022',14,'test:00000000000000000000000000000022','revoked','{"action_id":"service.restart","title":"Restart web","target":"web-34","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:15.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','87c2276cc07e91828aa3fbe92d8c8fb9a45fcb05c1663ba4025992a1ed7b4c55','U0BEN','2026-11-21T03:04:07.000000Z','not any more','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-34','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000025',15,'test:00000000000000000000000000000025','approved','{"action_id":"service.restart","title":"Restart web","target":"web-37","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:16.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','5112c571d7d2022b6547c8dc352177a773ab8cd45a0bb5632509f0f6b4fb3c7b','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-37','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000028',16,'test:00000000000000000000000000000028','approved','{"action_id":"service.restart","title":"Restart web","target":"web-40","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:17.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','ed167d32778f6b4229551f0953ade4b853cf52a63a7824b9b413c814a8612f40','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-40','');
INSERT INTO "approvals" VALUES('0000000000000000000000000000002b',17,'test:0000000000000000000000000000002b','approved','{"action_id":"service.restart","title":"Restart web","target":"web-43","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:18.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','2a7aad8016447ea90adf3d1f87f830f715b62dcb5d55bca77c3621b2fd721026','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-43','');
INSERT INTO "approvals" VALUES('0000000000000000000000000000002e',18,'test:0000000000000000000000000000002e','approved','{"action_id":"service.restart","title":"Restart web","target":"web-46","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:19.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','859b7b851788777100a4e99d8d48e651949e89667ffc6c101b42ac4244e61f70','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-46','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000031',19,'test:00000000000000000000000000000031','approved','{"action_id":"service.restart","title":"Restart web","target":"web-49","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:20.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','c2ccbaf9a80ecc5e402ba7397ce9944baee560cb62978e4481ebce9e53710f3e','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-49','');
INSERT INTO "approvals" VALUES('00000000000000000000000000000036',20,'test:00000000000000000000000000000036','approved','{"action_id":"service.restart","title":"Restart web","target":"web-54","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:21.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','04792cf1ea3e07d8b6f062005ea684993530e93ce8d89d9cc145b02be768da05','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-54','');
INSERT INTO "approvals" VALUES('0000000000000000000000000000003b',21,'test:0000000000000000000000000000003b','approved','{"action_id":"service.restart","title":"Restart web","target":"web-59","parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"risk":"medium","reversible":"no","intent":"restart the service"}','["docker restart web", "sha256:1", "1 container", ""]','U0CAT','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:22.000000Z',2,'["U0ANA","U0BEN","U0CAT"]','4dd75d5dd2c2d7a5793c73df5e4739a43962332b59064f76bb973f68881cb0ee','U0BEN','2026-11-21T03:04:07.000000Z','','{"reason_required":false,"only_in_windows":false,"targets":1,"seen":true,"fits":false,"environments":[],"editors":[],"bound":{"severity":"","env":"","service":"","sop":"","policy":""}}','','service.restart','web-59','');
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,            -- without gaps
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    incident_id INTEGER,
    subject TEXT NOT NULL,              -- the id of what it is about
    actor TEXT NOT NULL,                -- a Slack user id; '' is the bot itself
    detail TEXT NOT NULL,               -- canonical JSON
    prev TEXT NOT NULL,                 -- the mac of the row before; '' for the first
    mac TEXT NOT NULL                   -- see store/audit/proof.py
);
INSERT INTO "audit" VALUES(1,'2026-11-21T03:04:05.000000Z','proposed',9,'00000000000000000000000000000013','U0CAT','{"action":"service.restart","alerts":{"9":"b9b3e3eb6bed2553d09a1209dba16c72c7f92942bee09d788154e16731ec6336"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"6c0cc2f6a8123f84967a9a9110ed02904bfa6228a51a24a4f02cb860a063238c","expires_at":"2026-11-21T03:04:10.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-19","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','','caaa7d6f25e7e35f0b63390eacd7a78b23da5ccc9176b2c3415292192e274c28');
INSERT INTO "audit" VALUES(2,'2026-11-21T03:04:06.000000Z','voted',9,'00000000000000000000000000000013','U0ANA','{"choice":"approve","digest":"6c0cc2f6a8123f84967a9a9110ed02904bfa6228a51a24a4f02cb860a063238c"}','caaa7d6f25e7e35f0b63390eacd7a78b23da5ccc9176b2c3415292192e274c28','918d630cca131ef2fb57a2ee4f42e682f7fdf364c37df1563bb3233d5a52148c');
INSERT INTO "audit" VALUES(3,'2026-11-21T03:04:05.000000Z','proposed',10,'00000000000000000000000000000016','U0CAT','{"action":"service.restart","alerts":{"10":"bc583fcc0de5e7da6998b89cc36552550acaaef8f125c638ede178a3119a0f7f"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"119604c7260b22fc06732f4b9275cb1713ef9178cf350764e75e9b839385d40e","expires_at":"2026-11-21T03:04:11.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-22","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','918d630cca131ef2fb57a2ee4f42e682f7fdf364c37df1563bb3233d5a52148c','09ade63154d131b6c37b72c9a26f35e58a0b557a9564fc37b199d8fea5bffe51');
INSERT INTO "audit" VALUES(4,'2026-11-21T03:04:06.000000Z','voted',10,'00000000000000000000000000000016','U0ANA','{"choice":"approve","digest":"119604c7260b22fc06732f4b9275cb1713ef9178cf350764e75e9b839385d40e"}','09ade63154d131b6c37b72c9a26f35e58a0b557a9564fc37b199d8fea5bffe51','112d35d06d54c27f04a0b6c9da217616124b8fb19be2bf0e3e655bc562b82f7b');
INSERT INTO "audit" VALUES(5,'2026-11-21T03:04:05.000000Z','proposed',11,'00000000000000000000000000000019','U0CAT','{"action":"service.restart","alerts":{"11":"72244acf33f556f4c41b7d01be68a44c0c60eb5e212cc3ae98360c2d0d3db7e4"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"14402806733d00d0150f0b06eddc7f9546750741ca68fd87d36b8f6580811133","expires_at":"2026-11-21T03:04:12.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-25","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','112d35d06d54c27f04a0b6c9da217616124b8fb19be2bf0e3e655bc562b82f7b','45d83f7f5bca745ffac51d7a8b48b60264d916d4dbad45a93307bb7ea7260f58');
INSERT INTO "audit" VALUES(6,'2026-11-21T03:04:06.000000Z','voted',11,'00000000000000000000000000000019','U0ANA','{"choice":"approve","digest":"14402806733d00d0150f0b06eddc7f9546750741ca68fd87d36b8f6580811133"}','45d83f7f5bca745ffac51d7a8b48b60264d916d4dbad45a93307bb7ea7260f58','a22a2fbf17072b1ed8d0687796458224d27a5d640585b85f7fa742dd7973c40c');
INSERT INTO "audit" VALUES(7,'2026-11-21T03:04:07.000000Z','voted',11,'00000000000000000000000000000019','U0BEN','{"choice":"approve","digest":"14402806733d00d0150f0b06eddc7f9546750741ca68fd87d36b8f6580811133"}','a22a2fbf17072b1ed8d0687796458224d27a5d640585b85f7fa742dd7973c40c','0f827c1122f79d62a5f30401d01d02cc4ed7f669a239a894cb0a6ee96822d7f6');
INSERT INTO "audit" VALUES(8,'2026-11-21T03:04:07.000000Z','approved',11,'00000000000000000000000000000019','U0BEN','{"digest":"14402806733d00d0150f0b06eddc7f9546750741ca68fd87d36b8f6580811133"}','0f827c1122f79d62a5f30401d01d02cc4ed7f669a239a894cb0a6ee96822d7f6','bc8c177e48765da8ee28e58638f1edef92f8436aca5fb69f2cfd0c363877a0c3');
INSERT INTO "audit" VALUES(9,'2026-11-21T03:04:14.000000Z','revoked',11,'00000000000000000000000000000019','U0CAT','{"why":"the incident resolved"}','bc8c177e48765da8ee28e58638f1edef92f8436aca5fb69f2cfd0c363877a0c3','c9a28f5023aa7534fc5833a21528b14d27bf123f6d48bbf492673e63c625a392');
INSERT INTO "audit" VALUES(10,'2026-11-21T03:04:05.000000Z','proposed',12,'0000000000000000000000000000001c','U0CAT','{"action":"service.restart","alerts":{"12":"0e84c021bb474b139fe12c85e689e54a35abcaf388f34f07d927de12a4a6c838"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"79b0fd8bed76186e4d5d0c83c882224ebf3dcf0be3999625c621067da2665e1c","expires_at":"2026-11-21T03:04:13.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-28","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','c9a28f5023aa7534fc5833a21528b14d27bf123f6d48bbf492673e63c625a392','8bd38db4a67570f1311782aa24b92e64cd8cf064e2c06d8ac0f6cf7e87140fce');
INSERT INTO "audit" VALUES(11,'2026-11-21T03:04:06.000000Z','voted',12,'0000000000000000000000000000001c','U0ANA','{"choice":"reject","digest":"79b0fd8bed76186e4d5d0c83c882224ebf3dcf0be3999625c621067da2665e1c"}','8bd38db4a67570f1311782aa24b92e64cd8cf064e2c06d8ac0f6cf7e87140fce','b64cad434a91539930fedc8e2b3e43ffb39b86b0be4e223c1c4c5f38459b806f');
INSERT INTO "audit" VALUES(12,'2026-11-21T03:04:06.000000Z','rejected',12,'0000000000000000000000000000001c','U0ANA','{"digest":"79b0fd8bed76186e4d5d0c83c882224ebf3dcf0be3999625c621067da2665e1c"}','b64cad434a91539930fedc8e2b3e43ffb39b86b0be4e223c1c4c5f38459b806f','76e8e3ee7069df2efc7fcb5241d4a918a4bd323d66f0559a6e3c094937aa94bd');
INSERT INTO "audit" VALUES(13,'2026-11-21T03:04:05.000000Z','proposed',13,'0000000000000000000000000000001f','U0CAT','{"action":"service.restart","alerts":{"13":"94b42eb2014805d3d8e6ddbd85902986f0a3e37a57e35b078fa09bd78304ce6b"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"26ad70e27de0414d168b2a1eb0ba506e7cfdaebda6256cde697a94b5fcf5ed0d","expires_at":"2026-11-21T03:04:14.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-31","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','76e8e3ee7069df2efc7fcb5241d4a918a4bd323d66f0559a6e3c094937aa94bd','46090d0068fb60971d9b7ee5ec1b0b787a0acf0db8ebdbbb8347be3eb568c8bc');
INSERT INTO "audit" VALUES(14,'2026-11-21T03:04:06.000000Z','voted',13,'0000000000000000000000000000001f','U0ANA','{"choice":"approve","digest":"26ad70e27de0414d168b2a1eb0ba506e7cfdaebda6256cde697a94b5fcf5ed0d"}','46090d0068fb60971d9b7ee5ec1b0b787a0acf0db8ebdbbb8347be3eb568c8bc','ac647569109dbb63ad9525aed6cce8354e7812b4ef947404e721dc7ab2e843da');
INSERT INTO "audit" VALUES(15,'2026-11-21T03:04:05.000000Z','proposed',14,'00000000000000000000000000000022','U0CAT','{"action":"service.restart","alerts":{"14":"a5e1670a85494f07f5cf2cd9793e0566a4b13616c28f22790cf9b0b9f9b23535"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"87c2276cc07e91828aa3fbe92d8c8fb9a45fcb05c1663ba4025992a1ed7b4c55","expires_at":"2026-11-21T03:04:15.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-34","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','ac647569109dbb63ad9525aed6cce8354e7812b4ef947404e721dc7ab2e843da','a23af95c9f908c3087b361adf56894c20874a972e1e861aa9a78b86c1095049f');
INSERT INTO "audit" VALUES(16,'2026-11-21T03:04:06.000000Z','voted',14,'00000000000000000000000000000022','U0ANA','{"choice":"approve","digest":"87c2276cc07e91828aa3fbe92d8c8fb9a45fcb05c1663ba4025992a1ed7b4c55"}','a23af95c9f908c3087b361adf56894c20874a972e1e861aa9a78b86c1095049f','efd97993c7df44c845339b1ff60c8bccf9c45b7844064eb4e97c06aded805ce9');
INSERT INTO "audit" VALUES(17,'2026-11-21T03:04:07.000000Z','voted',14,'00000000000000000000000000000022','U0BEN','{"choice":"approve","digest":"87c2276cc07e91828aa3fbe92d8c8fb9a45fcb05c1663ba4025992a1ed7b4c55"}','efd97993c7df44c845339b1ff60c8bccf9c45b7844064eb4e97c06aded805ce9','0fb91b9c41623ebd4dcffe8db65ca2e7c9a88b80dd2aa7499e9093025405d83f');
INSERT INTO "audit" VALUES(18,'2026-11-21T03:04:07.000000Z','approved',14,'00000000000000000000000000000022','U0BEN','{"digest":"87c2276cc07e91828aa3fbe92d8c8fb9a45fcb05c1663ba4025992a1ed7b4c55"}','0fb91b9c41623ebd4dcffe8db65ca2e7c9a88b80dd2aa7499e9093025405d83f','c21171dee2c9cbdcb751e00da4a172ce9b97d3f8e44ab68100799060897ad2b9');
INSERT INTO "audit" VALUES(19,'2026-11-21T03:04:08.000000Z','revoked',14,'00000000000000000000000000000022','','{"why":"not any more"}','c21171dee2c9cbdcb751e00da4a172ce9b97d3f8e44ab68100799060897ad2b9','40b5eae01ad1bb019764b70f5ece65bd33d6425b9a11a3a7e2408ff1bca38af2');
INSERT INTO "audit" VALUES(20,'2026-11-21T03:04:05.000000Z','proposed',15,'00000000000000000000000000000025','U0CAT','{"action":"service.restart","alerts":{"15":"b167ed92cd077f1a77e223584172bdf77d10ee6d67772485eca65a3e19f400ed"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"5112c571d7d2022b6547c8dc352177a773ab8cd45a0bb5632509f0f6b4fb3c7b","expires_at":"2026-11-21T03:04:16.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-37","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','40b5eae01ad1bb019764b70f5ece65bd33d6425b9a11a3a7e2408ff1bca38af2','f6b75651ccbed06e7d29d012c46e921e2e2f4b8358f8805766c69115b2d9322b');
INSERT INTO "audit" VALUES(21,'2026-11-21T03:04:06.000000Z','voted',15,'00000000000000000000000000000025','U0ANA','{"choice":"approve","digest":"5112c571d7d2022b6547c8dc352177a773ab8cd45a0bb5632509f0f6b4fb3c7b"}','f6b75651ccbed06e7d29d012c46e921e2e2f4b8358f8805766c69115b2d9322b','59a8b44f67827cb1204c6c91b9ce9016cc2713de47cba9370e7995b5f9babb9c');
INSERT INTO "audit" VALUES(22,'2026-11-21T03:04:07.000000Z','voted',15,'00000000000000000000000000000025','U0BEN','{"choice":"approve","digest":"5112c571d7d2022b6547c8dc352177a773ab8cd45a0bb5632509f0f6b4fb3c7b"}','59a8b44f67827cb1204c6c91b9ce9016cc2713de47cba9370e7995b5f9babb9c','0526d8898df6fffbb08f74ff855e88d24f00ff4f81212892c9e7874e6c875b74');
INSERT INTO "audit" VALUES(23,'2026-11-21T03:04:07.000000Z','approved',15,'00000000000000000000000000000025','U0BEN','{"digest":"5112c571d7d2022b6547c8dc352177a773ab8cd45a0bb5632509f0f6b4fb3c7b"}','0526d8898df6fffbb08f74ff855e88d24f00ff4f81212892c9e7874e6c875b74','53851402216e760dec0a26fadd17a9235a4d1268e08f892741d75968b42438a9');
INSERT INTO "audit" VALUES(24,'2026-11-21T03:04:08.000000Z','dispatching',15,'00000000000000000000000000000025','','{"execution":"exec-00000000000000000000000000000025","owner":"before"}','53851402216e760dec0a26fadd17a9235a4d1268e08f892741d75968b42438a9','79b48ef517313fbc9774a0ed1b4be2dbc690e9b586bc11b5da959048a9d76e0b');
INSERT INTO "audit" VALUES(25,'2026-11-21T03:04:05.000000Z','proposed',16,'00000000000000000000000000000028','U0CAT','{"action":"service.restart","alerts":{"16":"906b5bbc428b871c8fce21703753d97c7e1108985a5bdaf70481cb8a34c3b718"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"ed167d32778f6b4229551f0953ade4b853cf52a63a7824b9b413c814a8612f40","expires_at":"2026-11-21T03:04:17.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-40","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','79b48ef517313fbc9774a0ed1b4be2dbc690e9b586bc11b5da959048a9d76e0b','57140663012c64b5b9037e7c3bd66428cf9105519e45b601e95a21a0a516bf53');
INSERT INTO "audit" VALUES(26,'2026-11-21T03:04:06.000000Z','voted',16,'00000000000000000000000000000028','U0ANA','{"choice":"approve","digest":"ed167d32778f6b4229551f0953ade4b853cf52a63a7824b9b413c814a8612f40"}','57140663012c64b5b9037e7c3bd66428cf9105519e45b601e95a21a0a516bf53','f092652c166ea7644dc718f1906d58a8ec939fec213fa108849702f351091f0a');
INSERT INTO "audit" VALUES(27,'2026-11-21T03:04:07.000000Z','voted',16,'00000000000000000000000000000028','U0BEN','{"choice":"approve","digest":"ed167d32778f6b4229551f0953ade4b853cf52a63a7824b9b413c814a8612f40"}','f092652c166ea7644dc718f1906d58a8ec939fec213fa108849702f351091f0a','c4f8bd5a7875d3895286a88982d6e401c5386a9524a0273d33876e00a641a796');
INSERT INTO "audit" VALUES(28,'2026-11-21T03:04:07.000000Z','approved',16,'00000000000000000000000000000028','U0BEN','{"digest":"ed167d32778f6b4229551f0953ade4b853cf52a63a7824b9b413c814a8612f40"}','c4f8bd5a7875d3895286a88982d6e401c5386a9524a0273d33876e00a641a796','694d6126bc9df583dc0b436911451be740a20318d6a2799118c0a3171e88ed97');
INSERT INTO "audit" VALUES(29,'2026-11-21T03:04:08.000000Z','dispatching',16,'00000000000000000000000000000028','','{"execution":"exec-00000000000000000000000000000028","owner":"before"}','694d6126bc9df583dc0b436911451be740a20318d6a2799118c0a3171e88ed97','280c177f7f85944714172e722203b57113f3a2768ab434f9774ccc836a883d5c');
INSERT INTO "audit" VALUES(30,'2026-11-21T03:04:08.000000Z','request',16,'00000000000000000000000000000028','','{}','280c177f7f85944714172e722203b57113f3a2768ab434f9774ccc836a883d5c','91aa7063cfa58d3dfe74de462bdb58f5d93a2c000e6e827db62ad9c349e642d8');
INSERT INTO "audit" VALUES(31,'2026-11-21T03:04:09.000000Z','answer',16,'00000000000000000000000000000028','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-00000000000000000000000000000028","state":"succeeded"}','91aa7063cfa58d3dfe74de462bdb58f5d93a2c000e6e827db62ad9c349e642d8','23ae45a4d8798a4bc74dee2effae4bcf362b173d58b01b0c246c3c3456cfcd59');
INSERT INTO "audit" VALUES(32,'2026-11-21T03:04:05.000000Z','proposed',17,'0000000000000000000000000000002b','U0CAT','{"action":"service.restart","alerts":{"17":"e8f23bdaaaea835f120a17daa422c10b427661048b23935e99506ce313e6cc9a"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"2a7aad8016447ea90adf3d1f87f830f715b62dcb5d55bca77c3621b2fd721026","expires_at":"2026-11-21T03:04:18.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-43","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','23ae45a4d8798a4bc74dee2effae4bcf362b173d58b01b0c246c3c3456cfcd59','baa988543d382896d4d693b59e343c4483408b1cbd4eb1084570c50cdbee7b84');
INSERT INTO "audit" VALUES(33,'2026-11-21T03:04:06.000000Z','voted',17,'0000000000000000000000000000002b','U0ANA','{"choice":"approve","digest":"2a7aad8016447ea90adf3d1f87f830f715b62dcb5d55bca77c3621b2fd721026"}','baa988543d382896d4d693b59e343c4483408b1cbd4eb1084570c50cdbee7b84','47e304a58df3bdf5625688658b698dab085032a77ae125c2ed4ba256f31f134e');
INSERT INTO "audit" VALUES(34,'2026-11-21T03:04:07.000000Z','voted',17,'0000000000000000000000000000002b','U0BEN','{"choice":"approve","digest":"2a7aad8016447ea90adf3d1f87f830f715b62dcb5d55bca77c3621b2fd721026"}','47e304a58df3bdf5625688658b698dab085032a77ae125c2ed4ba256f31f134e','68e0b702de95f313cb303610aa6612cd0a44dd604aa424fceee0ec34bfe9ba6c');
INSERT INTO "audit" VALUES(35,'2026-11-21T03:04:07.000000Z','approved',17,'0000000000000000000000000000002b','U0BEN','{"digest":"2a7aad8016447ea90adf3d1f87f830f715b62dcb5d55bca77c3621b2fd721026"}','68e0b702de95f313cb303610aa6612cd0a44dd604aa424fceee0ec34bfe9ba6c','4dd34fd805247b65c707b1c46c78e539b47f2c51f09f309c2c179f800774deab');
INSERT INTO "audit" VALUES(36,'2026-11-21T03:04:08.000000Z','dispatching',17,'0000000000000000000000000000002b','','{"execution":"exec-0000000000000000000000000000002b","owner":"before"}','4dd34fd805247b65c707b1c46c78e539b47f2c51f09f309c2c179f800774deab','2afd45576d34f5ad2da7693f177d79eb8c063e921b61e0dd96d1ff810ca95ee7');
INSERT INTO "audit" VALUES(37,'2026-11-21T03:04:08.000000Z','request',17,'0000000000000000000000000000002b','','{"previous":30}','2afd45576d34f5ad2da7693f177d79eb8c063e921b61e0dd96d1ff810ca95ee7','f7ccdd5230e64972ae52b5306b59efd7c67f330ee4608185595699356f005f04');
INSERT INTO "audit" VALUES(38,'2026-11-21T03:04:09.000000Z','answer',17,'0000000000000000000000000000002b','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-0000000000000000000000000000002b","state":"failed"}','f7ccdd5230e64972ae52b5306b59efd7c67f330ee4608185595699356f005f04','b2af6526fe4e9572ba9006c9525b4f8686ce0678ab925a2e24e6eb2e95e474fc');
INSERT INTO "audit" VALUES(39,'2026-11-21T03:04:05.000000Z','proposed',18,'0000000000000000000000000000002e','U0CAT','{"action":"service.restart","alerts":{"18":"2a65e9fc3954bf3c18e8a414e7f3e91c7a30b25a18557f6e6ee42f6a8d94c28a"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"859b7b851788777100a4e99d8d48e651949e89667ffc6c101b42ac4244e61f70","expires_at":"2026-11-21T03:04:19.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-46","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','b2af6526fe4e9572ba9006c9525b4f8686ce0678ab925a2e24e6eb2e95e474fc','31a4f43ff975c7a7a7428fd5706fa12f52e9b4e6dba1a93f329d7dea639fe76e');
INSERT INTO "audit" VALUES(40,'2026-11-21T03:04:06.000000Z','voted',18,'0000000000000000000000000000002e','U0ANA','{"choice":"approve","digest":"859b7b851788777100a4e99d8d48e651949e89667ffc6c101b42ac4244e61f70"}','31a4f43ff975c7a7a7428fd5706fa12f52e9b4e6dba1a93f329d7dea639fe76e','e47a3120590df4c5e81a797c6fd5d1272409b94afd9199606617fcd175cd6d9d');
INSERT INTO "audit" VALUES(41,'2026-11-21T03:04:07.000000Z','voted',18,'0000000000000000000000000000002e','U0BEN','{"choice":"approve","digest":"859b7b851788777100a4e99d8d48e651949e89667ffc6c101b42ac4244e61f70"}','e47a3120590df4c5e81a797c6fd5d1272409b94afd9199606617fcd175cd6d9d','a2484a2537e28b26f591a56c46f5be84e9bbbfbb4cf13fdf6ab1fd64dda5338b');
INSERT INTO "audit" VALUES(42,'2026-11-21T03:04:07.000000Z','approved',18,'0000000000000000000000000000002e','U0BEN','{"digest":"859b7b851788777100a4e99d8d48e651949e89667ffc6c101b42ac4244e61f70"}','a2484a2537e28b26f591a56c46f5be84e9bbbfbb4cf13fdf6ab1fd64dda5338b','8b7edc4d10f1ad9cdcd83d951152e3b34f592372d2b7c21d6093ca7185369e89');
INSERT INTO "audit" VALUES(43,'2026-11-21T03:04:08.000000Z','dispatching',18,'0000000000000000000000000000002e','','{"execution":"exec-0000000000000000000000000000002e","owner":"before"}','8b7edc4d10f1ad9cdcd83d951152e3b34f592372d2b7c21d6093ca7185369e89','a89044d5303bdfabc47e6e5af07574b3db60238124baf93ada5c950c28c0d131');
INSERT INTO "audit" VALUES(44,'2026-11-21T03:04:08.000000Z','request',18,'0000000000000000000000000000002e','','{"previous":37}','a89044d5303bdfabc47e6e5af07574b3db60238124baf93ada5c950c28c0d131','f7039248ebe2a8eade4828a2cbcd63332cc91bad7f1528d6bc42eafefc2947d6');
INSERT INTO "audit" VALUES(45,'2026-11-21T03:04:09.000000Z','outcome unknown',18,'0000000000000000000000000000002e','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-0000000000000000000000000000002e","state":"outcome unknown"}','f7039248ebe2a8eade4828a2cbcd63332cc91bad7f1528d6bc42eafefc2947d6','1e8c4ca2208a450b0e231d47aba7a38f73b7aa5bf5cc8a5ff3dcb68bcfba2460');
INSERT INTO "audit" VALUES(46,'2026-11-21T03:04:05.000000Z','proposed',19,'00000000000000000000000000000031','U0CAT','{"action":"service.restart","alerts":{"19":"734969049daca23d25526c1dce6052f334c662bf5d92fc33a78615d52325fb2f"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"c2ccbaf9a80ecc5e402ba7397ce9944baee560cb62978e4481ebce9e53710f3e","expires_at":"2026-11-21T03:04:20.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-49","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','1e8c4ca2208a450b0e231d47aba7a38f73b7aa5bf5cc8a5ff3dcb68bcfba2460','fe3cdedf62ee51f791fa368d07165a383e0c59ff51c294087d9a699d2187d994');
INSERT INTO "audit" VALUES(47,'2026-11-21T03:04:06.000000Z','voted',19,'00000000000000000000000000000031','U0ANA','{"choice":"approve","digest":"c2ccbaf9a80ecc5e402ba7397ce9944baee560cb62978e4481ebce9e53710f3e"}','fe3cdedf62ee51f791fa368d07165a383e0c59ff51c294087d9a699d2187d994','66fd86107c269b50e9d0a60c1c76b62b41ba4ad49e892489da6291bd943384cc');
INSERT INTO "audit" VALUES(48,'2026-11-21T03:04:07.000000Z','voted',19,'00000000000000000000000000000031','U0BEN','{"choice":"approve","digest":"c2ccbaf9a80ecc5e402ba7397ce9944baee560cb62978e4481ebce9e53710f3e"}','66fd86107c269b50e9d0a60c1c76b62b41ba4ad49e892489da6291bd943384cc','848cc9653f080e0faaf24d1649ecf573903d4d68ac6c5d99e3c3bf5e908413c3');
INSERT INTO "audit" VALUES(49,'2026-11-21T03:04:07.000000Z','approved',19,'00000000000000000000000000000031','U0BEN','{"digest":"c2ccbaf9a80ecc5e402ba7397ce9944baee560cb62978e4481ebce9e53710f3e"}','848cc9653f080e0faaf24d1649ecf573903d4d68ac6c5d99e3c3bf5e908413c3','5cdab66505ea94a50a0e67de49fc23fe2262b20339fd3de90a60450b5d9df6ce');
INSERT INTO "audit" VALUES(50,'2026-11-21T03:04:08.000000Z','dispatching',19,'00000000000000000000000000000031','','{"execution":"exec-00000000000000000000000000000031","owner":"before"}','5cdab66505ea94a50a0e67de49fc23fe2262b20339fd3de90a60450b5d9df6ce','02c04a22238972594bc8bfa729bd3e12e311d6cc6a4b1377cb4afe45c5dee580');
INSERT INTO "audit" VALUES(51,'2026-11-21T03:04:08.000000Z','request',19,'00000000000000000000000000000031','','{"previous":44}','02c04a22238972594bc8bfa729bd3e12e311d6cc6a4b1377cb4afe45c5dee580','c1af904524559562f462e3b6e134bf98e64925603a73dcb9839ed67f08bcf6a5');
INSERT INTO "audit" VALUES(52,'2026-11-21T03:04:09.000000Z','answer',19,'00000000000000000000000000000031','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-00000000000000000000000000000031","state":"succeeded"}','c1af904524559562f462e3b6e134bf98e64925603a73dcb9839ed67f08bcf6a5','88c813c44c12300b5df55177ddb10c9da144d756844315ad62f67fefab241f10');
INSERT INTO "audit" VALUES(53,'2026-11-21T03:04:11.000000Z','verified',19,'00000000000000000000000000000031','','{"execution":"exec-00000000000000000000000000000031","note":"looked"}','88c813c44c12300b5df55177ddb10c9da144d756844315ad62f67fefab241f10','4beabe7daf0f7d95acb479ca856007c3cf96c80c74e5a01a40fd729ce5a4de8c');
INSERT INTO "audit" VALUES(54,'2026-11-21T03:04:05.000000Z','proposed',20,'00000000000000000000000000000036','U0CAT','{"action":"service.restart","alerts":{"21":"2a6aa752df0e1108186563471c64ffc41032b8d9858cfbeaea6033c7f30cf48f"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"04792cf1ea3e07d8b6f062005ea684993530e93ce8d89d9cc145b02be768da05","expires_at":"2026-11-21T03:04:21.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-54","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','4beabe7daf0f7d95acb479ca856007c3cf96c80c74e5a01a40fd729ce5a4de8c','41e45d7a6a0b4c68ceb787a02da6ec88ea9dbcd63415715db564d505c620d095');
INSERT INTO "audit" VALUES(55,'2026-11-21T03:04:06.000000Z','voted',20,'00000000000000000000000000000036','U0ANA','{"choice":"approve","digest":"04792cf1ea3e07d8b6f062005ea684993530e93ce8d89d9cc145b02be768da05"}','41e45d7a6a0b4c68ceb787a02da6ec88ea9dbcd63415715db564d505c620d095','8eb867e286d0561a5b05f5b8921bca5397acd8aff570b6c0114694fcec02f2e0');
INSERT INTO "audit" VALUES(56,'2026-11-21T03:04:07.000000Z','voted',20,'00000000000000000000000000000036','U0BEN','{"choice":"approve","digest":"04792cf1ea3e07d8b6f062005ea684993530e93ce8d89d9cc145b02be768da05"}','8eb867e286d0561a5b05f5b8921bca5397acd8aff570b6c0114694fcec02f2e0','77619021db86ca8b35ea49222ddf8bd9fa5390bfd2e74d492f7f12811207874d');
INSERT INTO "audit" VALUES(57,'2026-11-21T03:04:07.000000Z','approved',20,'00000000000000000000000000000036','U0BEN','{"digest":"04792cf1ea3e07d8b6f062005ea684993530e93ce8d89d9cc145b02be768da05"}','77619021db86ca8b35ea49222ddf8bd9fa5390bfd2e74d492f7f12811207874d','9a54916cebe366edd3e22a318633493f4673142a73a7757af3f36282948d7196');
INSERT INTO "audit" VALUES(58,'2026-11-21T03:04:08.000000Z','dispatching',20,'00000000000000000000000000000036','','{"execution":"exec-00000000000000000000000000000036","owner":"before"}','9a54916cebe366edd3e22a318633493f4673142a73a7757af3f36282948d7196','0ce15dae5717e38c580636d14bd43108bc0fbe8377243c874de65f61242ac7ee');
INSERT INTO "audit" VALUES(59,'2026-11-21T03:04:08.000000Z','request',20,'00000000000000000000000000000036','','{"previous":51}','0ce15dae5717e38c580636d14bd43108bc0fbe8377243c874de65f61242ac7ee','76e4dbcc3035b186b6b8f08ece6b934582dd3b8f0a0fdbd44f3c5f006c94d72d');
INSERT INTO "audit" VALUES(60,'2026-11-21T03:04:09.000000Z','answer',20,'00000000000000000000000000000036','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-00000000000000000000000000000036","state":"succeeded"}','76e4dbcc3035b186b6b8f08ece6b934582dd3b8f0a0fdbd44f3c5f006c94d72d','2950d3db9696b8a98d066b4637946d025864c8071f7135a174ba3059a173e006');
INSERT INTO "audit" VALUES(61,'2026-11-21T03:04:11.000000Z','not verified',20,'00000000000000000000000000000036','','{"execution":"exec-00000000000000000000000000000036","note":"looked"}','2950d3db9696b8a98d066b4637946d025864c8071f7135a174ba3059a173e006','f2acbdd18ce1abf4c0696a4d43ed02ba37f5f107c6920422b4656d514d00586c');
INSERT INTO "audit" VALUES(62,'2026-11-21T03:04:05.000000Z','proposed',21,'0000000000000000000000000000003b','U0CAT','{"action":"service.restart","alerts":{"23":"55e8f0bae08b80f49cb112d4b238d1e76f81b3781e87e032c491dbce3bbb29ff"},"approvers":["U0ANA","U0BEN","U0CAT"],"digest":"4dd75d5dd2c2d7a5793c73df5e4739a43962332b59064f76bb973f68881cb0ee","expires_at":"2026-11-21T03:04:22.000000Z","needed":2,"parameters":[["target","web","alert: service"],["grace_seconds",10,"default"]],"plan":"sha256:1","target":"web-59","terms":{"bound":{"env":"","policy":"","service":"","severity":"","sop":""},"editors":[],"environments":[],"fits":false,"only_in_windows":false,"reason_required":false,"seen":true,"targets":1},"undoes":""}','f2acbdd18ce1abf4c0696a4d43ed02ba37f5f107c6920422b4656d514d00586c','1c765a011a958764275cea82c788dd896b56c05f80729d6e8b7ade0f2719709a');
INSERT INTO "audit" VALUES(63,'2026-11-21T03:04:06.000000Z','voted',21,'0000000000000000000000000000003b','U0ANA','{"choice":"approve","digest":"4dd75d5dd2c2d7a5793c73df5e4739a43962332b59064f76bb973f68881cb0ee"}','1c765a011a958764275cea82c788dd896b56c05f80729d6e8b7ade0f2719709a','002d5ece648f1b3e88724a37e4adb298391a39e7cd66df32a27977c7dc5154b7');
INSERT INTO "audit" VALUES(64,'2026-11-21T03:04:07.000000Z','voted',21,'0000000000000000000000000000003b','U0BEN','{"choice":"approve","digest":"4dd75d5dd2c2d7a5793c73df5e4739a43962332b59064f76bb973f68881cb0ee"}','002d5ece648f1b3e88724a37e4adb298391a39e7cd66df32a27977c7dc5154b7','a22d4fd6ea96d58d57c638b382e7c2457240aa376a9fd05caf33e8234e8f2236');
INSERT INTO "audit" VALUES(65,'2026-11-21T03:04:07.000000Z','approved',21,'0000000000000000000000000000003b','U0BEN','{"digest":"4dd75d5dd2c2d7a5793c73df5e4739a43962332b59064f76bb973f68881cb0ee"}','a22d4fd6ea96d58d57c638b382e7c2457240aa376a9fd05caf33e8234e8f2236','e735be90796e8b32d66365d29efe04ed23103cdfd81357b499c9d0c5f392ba24');
INSERT INTO "audit" VALUES(66,'2026-11-21T03:04:08.000000Z','dispatching',21,'0000000000000000000000000000003b','','{"execution":"exec-0000000000000000000000000000003b","owner":"before"}','e735be90796e8b32d66365d29efe04ed23103cdfd81357b499c9d0c5f392ba24','36d46d6db35da7152b0fe89a80c9afa354c7cf90e5ebab21e305953ad4c1ec07');
INSERT INTO "audit" VALUES(67,'2026-11-21T03:04:08.000000Z','request',21,'0000000000000000000000000000003b','','{"previous":59}','36d46d6db35da7152b0fe89a80c9afa354c7cf90e5ebab21e305953ad4c1ec07','2e5b9ded1c3d1246195032e0839c6db4f2e104993319a7af0969c6801501d6b1');
INSERT INTO "audit" VALUES(68,'2026-11-21T03:04:09.000000Z','answer',21,'0000000000000000000000000000003b','','{"answer_sha256":"00197a75f13a1d560ef79f2457f0ea26c74d568b61edf994aa9ad7f810a626e1","error":"","execution":"exec-0000000000000000000000000000003b","state":"undone"}','2e5b9ded1c3d1246195032e0839c6db4f2e104993319a7af0969c6801501d6b1','6214dd44b2e142c72bb9cf74d37f225d27da050d88ca8b83fd11c44e1a368ebe');
INSERT INTO "audit" VALUES(69,'2026-11-21T03:04:11.000000Z','expired',9,'00000000000000000000000000000013','','{"why":"nobody decided in time"}','6214dd44b2e142c72bb9cf74d37f225d27da050d88ca8b83fd11c44e1a368ebe','5217cd5f9b2df23358bebf78ec7cce5a50ac04ca0ac7c2a135bda2ee7a7b749f');
INSERT INTO "audit" VALUES(70,'2026-11-21T03:04:11.000000Z','expired',10,'00000000000000000000000000000016','','{"why":"nobody decided in time"}','5217cd5f9b2df23358bebf78ec7cce5a50ac04ca0ac7c2a135bda2ee7a7b749f','5059a1d485e8a2402be5a7371da693fff5120854a01d91919e99c5c54d6f5165');
CREATE TABLE audit_anchors (
    name TEXT PRIMARY KEY,              -- head, checkpoint, day/<date>
    seq INTEGER NOT NULL,
    mac TEXT NOT NULL,                  -- of that row
    at TEXT NOT NULL,
    note TEXT NOT NULL,
    seal TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "audit_anchors" VALUES('day/2026-11-21',70,'5059a1d485e8a2402be5a7371da693fff5120854a01d91919e99c5c54d6f5165','2026-11-22T03:04:05.000000Z','','3e807ee8a037a97faf6c211f229265e2bd3758c83f71d924f79ebc1e48f3b780');
INSERT INTO "audit_anchors" VALUES('head',70,'5059a1d485e8a2402be5a7371da693fff5120854a01d91919e99c5c54d6f5165','2026-11-21T03:04:11.000000Z','2026-11-21T03:04:14.000000Z request 67','5129bb25997184ef0605c254018ed3073e0eb51572a756f4283670335fc4a6e6');
CREATE TABLE claims (
    name TEXT PRIMARY KEY,              -- lane/<channel>, job/<name>: one replica at a time
    owner TEXT NOT NULL,                -- holds while the lease of that replica does
    paced_until TEXT NOT NULL           -- a lane's pace, for whoever takes it over; '' at first
) WITHOUT ROWID;
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,               -- one per thing an outsider handed us
    seen_at TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('asked:''; DROP T','2026-11-21T03:04:08.000000Z');
INSERT INTO "deliveries" VALUES('asked:\u0000 as','2026-11-21T03:04:08.000000Z');
INSERT INTO "deliveries" VALUES('asked:lone surr','2026-11-21T03:04:08.000000Z');
INSERT INTO "deliveries" VALUES('delivery-1','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-11','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-13','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-15','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-17','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-20','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-23','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-26','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-29','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-3','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-32','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-35','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-38','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-41','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-44','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-47','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-5','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-50','2026-11-21T03:04:12.000000Z');
INSERT INTO "deliveries" VALUES('delivery-52','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-55','2026-11-21T03:04:12.000000Z');
INSERT INTO "deliveries" VALUES('delivery-57','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-60','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-62','2026-11-21T03:04:06.000000Z');
INSERT INTO "deliveries" VALUES('delivery-65','2026-11-21T03:04:07.000000Z');
INSERT INTO "deliveries" VALUES('delivery-67','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-69','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-7','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('delivery-9','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('mention/C1/1.2','2026-11-21T03:04:06.000000Z');
INSERT INTO "deliveries" VALUES('message:seen','2026-11-21T03:04:05.000000Z');
INSERT INTO "deliveries" VALUES('ping','2026-11-21T03:04:05.000000Z');
CREATE TABLE executions (
    id TEXT PRIMARY KEY,                -- the idempotency key at the gateway
    approval_id TEXT NOT NULL UNIQUE REFERENCES approvals (id),   -- one dispatch an approval
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    state TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    answer TEXT,
    error TEXT NOT NULL DEFAULT '',
    verify_until TEXT,
    verify_note TEXT NOT NULL DEFAULT '',
    good_probes INTEGER NOT NULL DEFAULT 0
, by_hand TEXT NOT NULL DEFAULT '', concluded_at TEXT, attempt INTEGER NOT NULL DEFAULT 1, retry_until TEXT, taken_over_at TEXT, running_at TEXT);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000019','00000000000000000000000000000019',11,'revoked','','2026-11-21T03:04:07.000000Z',NULL,'2026-11-21T03:04:14.000000Z',NULL,'the incident resolved',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000022','00000000000000000000000000000022',14,'revoked','','2026-11-21T03:04:07.000000Z',NULL,'2026-11-21T03:04:08.000000Z',NULL,'not any more',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000025','00000000000000000000000000000025',15,'dispatching','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z',NULL,NULL,'',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000028','00000000000000000000000000000028',16,'succeeded','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'200',1,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-0000000000000000000000000000002b','0000000000000000000000000000002b',17,'failed','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-0000000000000000000000000000002e','0000000000000000000000000000002e',18,'outcome unknown','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000031','00000000000000000000000000000031',19,'verified','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'looked',1,'','2026-11-21T03:04:11.000000Z',1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-00000000000000000000000000000036','00000000000000000000000000000036',20,'not verified','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'looked',1,'','2026-11-21T03:04:11.000000Z',1,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('exec-0000000000000000000000000000003b','0000000000000000000000000000003b',21,'undone','before','2026-11-21T03:04:07.000000Z','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:09.000000Z','{"stdout":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline"}','',NULL,'',0,'',NULL,1,NULL,NULL,NULL);
CREATE TABLE firing (
    fingerprint TEXT NOT NULL,          -- source/fingerprint: it means nothing to another source
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    name TEXT NOT NULL,
    severity TEXT NOT NULL,             -- this and the start as told last: a reminder has the same
    starts_at TEXT NOT NULL,            -- '' when the sender named none
    told_at TEXT NOT NULL, first_alert INTEGER, last_alert INTEGER, sender TEXT NOT NULL DEFAULT '', came_at TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (fingerprint, incident_id)
) WITHOUT ROWID;
INSERT INTO "firing" VALUES('alertmanager/fp-asked',22,'HighCpu','high','','',24,24,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-0',9,'HighCpu','high','','',9,9,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-1',10,'HighCpu','high','','',10,10,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-12',21,'HighCpu','high','','',23,23,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-3',12,'HighCpu','high','','',12,12,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-4',13,'HighCpu','high','','',13,13,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-6',15,'HighCpu','high','','',15,15,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-7',16,'HighCpu','high','','',16,16,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-8',17,'HighCpu','high','','',17,17,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-ends-9',18,'HighCpu','high','','',18,18,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-0',1,'HighCpu','high','','',1,1,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-1',2,'HighCpu','high','','',2,2,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-2',3,'HighCpu','high','','',3,3,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-3',4,'HighCpu','high','','',4,4,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-4',5,'HighCpu','high','','',5,5,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-5',6,'HighCpu','high','','',6,6,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-6',7,'HighCpu','high','','',7,7,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-hostile-7',8,'HighCpu','high','','',8,8,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-mentioned',23,'HighCpu','high','','',29,29,'','2026-11-21T03:04:05.000000Z');
INSERT INTO "firing" VALUES('alertmanager/fp-second',22,'HighCpu','critical','','',25,25,'','2026-11-21T03:04:06.000000Z');
CREATE TABLE freezes (
    name TEXT PRIMARY KEY,              -- 'all': the one there is
    actor TEXT NOT NULL,                -- who froze
    at TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE http_questions (
    tracking_id TEXT PRIMARY KEY,
    incident_key TEXT NOT NULL,
    sop_id TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',    -- who answered; '' while nobody has
    asked_at TEXT NOT NULL,
    answered_at TEXT
);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- people say INC-<id>; never used again
    incident_key TEXT NOT NULL,
    sop_id TEXT NOT NULL,
    scope_env TEXT NOT NULL,            -- normalised: these three decide who joins
    scope_service TEXT NOT NULL,
    scope_category TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    env TEXT NOT NULL,
    region TEXT NOT NULL,
    service TEXT NOT NULL,
    category TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    alert_count INTEGER NOT NULL,
    firing INTEGER NOT NULL,
    value TEXT NOT NULL,
    threshold TEXT NOT NULL,
    text TEXT NOT NULL,
    labels TEXT NOT NULL,
    links TEXT NOT NULL,
    tracking_id TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    acknowledged_at TEXT,
    acknowledged_by TEXT NOT NULL DEFAULT '',
    resolved_at TEXT,
    resolved_by TEXT NOT NULL DEFAULT '',
    fixed_by TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 1
, posted INTEGER NOT NULL DEFAULT 1, shown_alert INTEGER, shown_env TEXT, shown_region TEXT, shown_service TEXT, shown_since TEXT);
INSERT INTO "incidents" VALUES(1,'prod|hostile_0|cpu|high','sop_d673c3f3dbec','prod','hostile_0','cpu','open','high','\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','prod','','hostile-0','cpu','C0ALERTS','alertmanager',1,1,'','','\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','{"words":"\\u0000 as JSON writes it, \\x00 as Python does, \\N for PostgreSQL''s COPY, \\. too","nul":"\u0000"}','[]','req-2','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,1,'prod','','hostile-0','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(2,'prod|hostile_1|cpu|high','sop_155426a2994b','prod','hostile_1','cpu','open','high','''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','prod','','hostile-1','cpu','C0ALERTS','alertmanager',1,1,'','','''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','{"words":"''; DROP TABLE alerts; -- \"double\" $tag$ %s ? {0} {{x}} \ttab\nline\r\nline","nul":"\u0000"}','[]','req-4','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,2,'prod','','hostile-1','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(3,'prod|hostile_2|cpu|high','sop_99606a41dbea','prod','hostile_2','cpu','open','high','lone surrogates, as the store keeps them: \ud800 \udfff','prod','','hostile-2','cpu','C0ALERTS','alertmanager',1,1,'','','lone surrogates, as the store keeps them: \ud800 \udfff','{"words":"lone surrogates, as the store keeps them: \\ud800 \\udfff","nul":"\u0000"}','[]','req-6','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,3,'prod','','hostile-2','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(4,'prod|hostile_3|cpu|high','sop_24a6258d37f2','prod','hostile_3','cpu','open','high','🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','prod','','hostile-3','cpu','C0ALERTS','alertmanager',1,1,'','','🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','{"words":"\ud83d\udd25\ud83e\uddd1\u200d\ud83d\ude92\ud83d\udc69\ud83c\udffd\u200d\ud83d\udcbb \u05e9\u05dc\u05d5\u05dd \u202eright to left\u202c e\u0301 \u00e9 \ufeff \udbff\udfff","nul":"\u0000"}','[]','req-8','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,4,'prod','','hostile-3','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(5,'prod|hostile_4|cpu|high','sop_ce0883555b1c','prod','hostile_4','cpu','open','high','long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','prod','','hostile-4','cpu','C0ALERTS','alertmanager',1,1,'','','long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','{"words":"long: \u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25\u00e4\u00f6\u00fc\ud83d\udd25","nul":"\u0000"}','[]','req-10','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,5,'prod','','hostile-4','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(6,'prod|hostile_5|cpu|high','sop_37f300f71ad9','prod','hostile_5','cpu','open','high','','prod','','hostile-5','cpu','C0ALERTS','alertmanager',1,1,'','','','{"words":"","nul":"\u0000"}','[]','req-12','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,6,'prod','','hostile-5','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(7,'prod|hostile_6|cpu|high','sop_1699eba775c1','prod','hostile_6','cpu','open','high',' ','prod','','hostile-6','cpu','C0ALERTS','alertmanager',1,1,'','',' ','{"words":" ","nul":"\u0000"}','[]','req-14','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,7,'prod','','hostile-6','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(8,'prod|hostile_7|cpu|high','sop_a9c1847df4e0','prod','hostile_7','cpu','open','high','NULL','prod','','hostile-7','cpu','C0ALERTS','alertmanager',1,1,'','','NULL','{"words":"NULL","nul":"\u0000"}','[]','req-16','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,8,'prod','','hostile-7','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(9,'prod|ends_0|cpu|high','sop_7612189c847a','prod','ends_0','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-0','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-18','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,9,'prod','','ends-0','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(10,'prod|ends_1|cpu|high','sop_93a03ae4b1c9','prod','ends_1','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-1','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-21','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,10,'prod','','ends-1','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(11,'prod|ends_2|cpu|high','sop_1d125727d8ad','prod','ends_2','cpu','resolved','high','web: CPU at 93 %','prod','','ends-2','cpu','C0ALERTS','alertmanager',1,0,'','','','{}','[]','req-24','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:14.000000Z','2026-11-21T03:04:06.000000Z','U0ANA','2026-11-21T03:04:14.000000Z','U0CAT','',3,1,11,'prod','','ends-2','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(12,'prod|ends_3|cpu|high','sop_f9860aa04a68','prod','ends_3','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-3','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-27','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,12,'prod','','ends-3','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(13,'prod|ends_4|cpu|high','sop_50c877847fc4','prod','ends_4','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-4','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-30','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,13,'prod','','ends-4','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(14,'prod|ends_5|cpu|high','sop_d58ae2ef74a6','prod','ends_5','cpu','resolved','high','web: CPU at 93 %','prod','','ends-5','cpu','C0ALERTS','alertmanager',1,0,'','','','{}','[]','req-33','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:14.000000Z','2026-11-21T03:04:06.000000Z','U0ANA','2026-11-21T03:04:14.000000Z','U0CAT','',3,1,14,'prod','','ends-5','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(15,'prod|ends_6|cpu|high','sop_6b6785d50a3f','prod','ends_6','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-6','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-36','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,15,'prod','','ends-6','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(16,'prod|ends_7|cpu|high','sop_4171a5017a7e','prod','ends_7','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-7','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-39','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,16,'prod','','ends-7','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(17,'prod|ends_8|cpu|high','sop_01ad7a49a423','prod','ends_8','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-8','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-42','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,17,'prod','','ends-8','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(18,'prod|ends_9|cpu|high','sop_a010d49c7368','prod','ends_9','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-9','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-45','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,18,'prod','','ends-9','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(19,'prod|ends_10|cpu|high','sop_aebc01e2203a','prod','ends_10','cpu','resolved','high','web: CPU at 93 %','prod','','ends-10','cpu','C0ALERTS','alertmanager',1,0,'','','','{}','[]','req-48','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:12.000000Z','2026-11-21T03:04:06.000000Z','U0ANA','2026-11-21T03:04:12.000000Z','','exec-00000000000000000000000000000031',4,1,19,'prod','','ends-10','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(20,'prod|ends_11|cpu|high','sop_550f5b5d804e','prod','ends_11','cpu','resolved','high','web: CPU at 93 %','prod','','ends-11','cpu','C0ALERTS','alertmanager',1,0,'','','','{}','[]','req-53','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:12.000000Z','2026-11-21T03:04:06.000000Z','U0ANA','2026-11-21T03:04:12.000000Z','','',3,1,21,'prod','','ends-11','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(21,'prod|ends_12|cpu|high','sop_dbfe34ea9401','prod','ends_12','cpu','acknowledged','high','web: CPU at 93 %','prod','','ends-12','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-58','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z','U0ANA',NULL,'','',2,1,23,'prod','','ends-12','2026-11-21T03:04:05.000000Z');
INSERT INTO "incidents" VALUES(22,'prod|asked|cpu|high','sop_b2f8301b402e','prod','asked','cpu','open','critical','web: CPU at 93 %','prod','','asked','cpu','C0ALERTS','alertmanager',3,2,'','','','{}','[]','req-61','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:07.000000Z',NULL,'',NULL,'','',4,1,25,'prod','','asked','2026-11-21T03:04:06.000000Z');
INSERT INTO "incidents" VALUES(23,'prod|mentioned|cpu|high','sop_1bde87192e62','prod','mentioned','cpu','open','high','web: CPU at 93 %','prod','','mentioned','cpu','C0ALERTS','alertmanager',1,1,'','','','{}','[]','req-70','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',NULL,'',NULL,'','',1,1,29,'prod','','mentioned','2026-11-21T03:04:05.000000Z');
CREATE TABLE news (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    kind TEXT NOT NULL,                 -- worse, failed, expired, …
    subject TEXT NOT NULL,              -- the execution, approval, severity or time of opening
    facts TEXT NOT NULL,                -- JSON, by kind
    mentions TEXT NOT NULL,             -- JSON: the users and user groups whom it concerns
    at TEXT NOT NULL,
    UNIQUE (incident_id, kind, subject) -- the same is said once
);
INSERT INTO "news" VALUES(1,14,'revoked','00000000000000000000000000000022','{"title":"Restart web","why":"not any more"}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:08.000000Z');
INSERT INTO "news" VALUES(2,17,'failed','exec-0000000000000000000000000000002b','{"title":"Restart web","why":""}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:09.000000Z');
INSERT INTO "news" VALUES(3,18,'outcome unknown','exec-0000000000000000000000000000002e','{"title":"Restart web","why":""}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:09.000000Z');
INSERT INTO "news" VALUES(4,20,'not helped','exec-00000000000000000000000000000036','{"title":"Restart web","why":"looked"}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:11.000000Z');
INSERT INTO "news" VALUES(5,9,'expired','00000000000000000000000000000013','{"title":"Restart web","why":"nobody decided in time"}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:11.000000Z');
INSERT INTO "news" VALUES(6,10,'expired','00000000000000000000000000000016','{"title":"Restart web","why":"nobody decided in time"}','["U0ANA","U0CAT","U0BEN"]','2026-11-21T03:04:11.000000Z');
INSERT INTO "news" VALUES(7,22,'worse','critical','{"before":"high","after":"critical"}','[]','2026-11-21T03:04:06.000000Z');
CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- storm, stuck: the kind of the message that shows it
    channel TEXT NOT NULL,
    body TEXT NOT NULL,                 -- JSON, by kind
    began_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,           -- the idempotency key in the message's metadata
    kind TEXT NOT NULL,
    incident_id INTEGER REFERENCES incidents (id),
    subject TEXT NOT NULL,              -- the id of what is shown
    channel TEXT NOT NULL,
    in_thread INTEGER NOT NULL,
    rank INTEGER NOT NULL,              -- 0 is the gravest
    wanted INTEGER NOT NULL DEFAULT 1,  -- what should be seen
    sent INTEGER NOT NULL DEFAULT 0,    -- what is seen
    ts TEXT,                            -- Slack's name of the message, once posted
    unsure INTEGER NOT NULL DEFAULT 0,  -- 1: a try ended so that it may be posted already
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before TEXT NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL
, due_since TEXT, revived INTEGER NOT NULL DEFAULT 0, sender TEXT NOT NULL DEFAULT '', turn INTEGER NOT NULL DEFAULT 0);
INSERT INTO "outbox" VALUES(1,'card:1','card',1,'1','C0ALERTS',0,0,2,1,'170000001.000100',0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z',NULL,0,'',0);
INSERT INTO "outbox" VALUES(2,'note:2','note',1,'2','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(3,'advice:1','advice',1,'1','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(4,'card:2','card',2,'2','C0ALERTS',0,2,1,0,NULL,1,1,'2026-11-21T03:05:35.000000Z',0,'timeout','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(5,'note:5','note',2,'5','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(6,'advice:2','advice',2,'2','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(7,'card:3','card',3,'3','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z',NULL,1,'',0);
INSERT INTO "outbox" VALUES(8,'note:8','note',3,'8','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(9,'advice:3','advice',3,'3','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(10,'card:4','card',4,'4','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:05:05.000000Z',1,'not_in_channel','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(11,'note:11','note',4,'11','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(12,'advice:4','advice',4,'4','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(13,'card:5','card',5,'5','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(14,'note:14','note',5,'14','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(15,'advice:5','advice',5,'5','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(16,'card:6','card',6,'6','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(17,'note:17','note',6,'17','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(18,'advice:6','advice',6,'6','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(19,'card:7','card',7,'7','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(20,'note:20','note',7,'20','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(21,'advice:7','advice',7,'7','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(22,'card:8','card',8,'8','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(23,'note:23','note',8,'23','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(24,'advice:8','advice',8,'8','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(25,'card:9','card',9,'9','C0ALERTS',0,2,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(26,'approval:00000000000000000000000000000013','approval',9,'00000000000000000000000000000013','C0ALERTS',1,3,3,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(27,'card:10','card',10,'10','C0ALERTS',0,2,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(28,'approval:00000000000000000000000000000016','approval',10,'00000000000000000000000000000016','C0ALERTS',1,3,3,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(29,'card:11','card',11,'11','C0ALERTS',0,2,7,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(30,'approval:00000000000000000000000000000019','approval',11,'00000000000000000000000000000019','C0ALERTS',1,3,4,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(31,'resolved:11','resolved',11,'11','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:14.000000Z',0,'','2026-11-21T03:04:14.000000Z','2026-11-21T03:04:14.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(32,'card:12','card',12,'12','C0ALERTS',0,2,4,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(33,'approval:0000000000000000000000000000001c','approval',12,'0000000000000000000000000000001c','C0ALERTS',1,3,2,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(34,'card:13','card',13,'13','C0ALERTS',0,2,4,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(35,'approval:0000000000000000000000000000001f','approval',13,'0000000000000000000000000000001f','C0ALERTS',1,3,2,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(36,'card:14','card',14,'14','C0ALERTS',0,2,8,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(37,'approval:00000000000000000000000000000022','approval',14,'00000000000000000000000000000022','C0ALERTS',1,3,4,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(38,'news:1','news',14,'1','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:08.000000Z',0,'','2026-11-21T03:04:08.000000Z','2026-11-21T03:04:08.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(39,'resolved:14','resolved',14,'14','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:14.000000Z',0,'','2026-11-21T03:04:14.000000Z','2026-11-21T03:04:14.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(40,'card:15','card',15,'15','C0ALERTS',0,2,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(41,'approval:00000000000000000000000000000025','approval',15,'00000000000000000000000000000025','C0ALERTS',1,3,4,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(42,'card:16','card',16,'16','C0ALERTS',0,2,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(43,'approval:00000000000000000000000000000028','approval',16,'00000000000000000000000000000028','C0ALERTS',1,3,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(44,'result:exec-00000000000000000000000000000028','result',16,'exec-00000000000000000000000000000028','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(45,'card:17','card',17,'17','C0ALERTS',0,2,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(46,'approval:0000000000000000000000000000002b','approval',17,'0000000000000000000000000000002b','C0ALERTS',1,3,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(47,'result:exec-0000000000000000000000000000002b','result',17,'exec-0000000000000000000000000000002b','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(48,'news:2','news',17,'2','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(49,'card:18','card',18,'18','C0ALERTS',0,2,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(50,'approval:0000000000000000000000000000002e','approval',18,'0000000000000000000000000000002e','C0ALERTS',1,3,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(51,'result:exec-0000000000000000000000000000002e','result',18,'exec-0000000000000000000000000000002e','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(52,'news:3','news',18,'3','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(53,'card:19','card',19,'19','C0ALERTS',0,2,7,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(54,'approval:00000000000000000000000000000031','approval',19,'00000000000000000000000000000031','C0ALERTS',1,3,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(55,'result:exec-00000000000000000000000000000031','result',19,'exec-00000000000000000000000000000031','C0ALERTS',1,10,2,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(56,'resolved:19','resolved',19,'19','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:12.000000Z',0,'','2026-11-21T03:04:12.000000Z','2026-11-21T03:04:12.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(57,'card:20','card',20,'20','C0ALERTS',0,2,8,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(58,'approval:00000000000000000000000000000036','approval',20,'00000000000000000000000000000036','C0ALERTS',1,3,6,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(59,'result:exec-00000000000000000000000000000036','result',20,'exec-00000000000000000000000000000036','C0ALERTS',1,10,2,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(60,'news:4','news',20,'4','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:11.000000Z',0,'','2026-11-21T03:04:11.000000Z','2026-11-21T03:04:11.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(61,'resolved:20','resolved',20,'20','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:12.000000Z',0,'','2026-11-21T03:04:12.000000Z','2026-11-21T03:04:12.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(62,'card:21','card',21,'21','C0ALERTS',0,2,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(63,'approval:0000000000000000000000000000003b','approval',21,'0000000000000000000000000000003b','C0ALERTS',1,3,5,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(64,'result:exec-0000000000000000000000000000003b','result',21,'exec-0000000000000000000000000000003b','C0ALERTS',1,10,1,0,NULL,0,0,'2026-11-21T03:04:09.000000Z',0,'','2026-11-21T03:04:09.000000Z','2026-11-21T03:04:09.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(65,'news:5','news',9,'5','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:11.000000Z',0,'','2026-11-21T03:04:11.000000Z','2026-11-21T03:04:11.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(66,'news:6','news',10,'6','C0ALERTS',1,3,1,0,NULL,0,0,'2026-11-21T03:04:11.000000Z',0,'','2026-11-21T03:04:11.000000Z','2026-11-21T03:04:11.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(67,'card:22','card',22,'22','C0ALERTS',0,0,5,5,'170000000.000100',0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z',NULL,0,'',0);
INSERT INTO "outbox" VALUES(68,'news:7','news',22,'7','C0ALERTS',1,1,1,0,NULL,0,0,'2026-11-21T03:04:06.000000Z',0,'','2026-11-21T03:04:06.000000Z','2026-11-21T03:04:06.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(69,'undelivered:card:4','undelivered',4,'card:4','C0OPS',0,2,1,0,NULL,0,0,'2026-11-21T03:05:05.000000Z',0,'','2026-11-21T03:05:05.000000Z','2026-11-21T03:05:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(70,'audit_head:2026-11-21','audit_head',NULL,'2026-11-21','C0ALERTS',0,6,1,0,NULL,0,0,'2026-11-22T03:04:05.000000Z',0,'','2026-11-22T03:04:05.000000Z','2026-11-22T03:04:05.000000Z',0,'',0);
INSERT INTO "outbox" VALUES(71,'card:23','card',23,'23','C0ALERTS',0,2,1,0,NULL,0,0,'2026-11-21T03:04:05.000000Z',0,'','2026-11-21T03:04:05.000000Z','2026-11-21T03:04:05.000000Z',0,'',0);
CREATE TABLE proposing (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    origin TEXT NOT NULL UNIQUE,        -- what made it: the same cause proposes once
    approval_id TEXT NOT NULL DEFAULT '',   -- to be proposed again; '' is what the SOP offers
    rank INTEGER NOT NULL,              -- the most severe incident comes first
    state TEXT NOT NULL,                -- wanted, running, done
    owner TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    deferrals INTEGER NOT NULL DEFAULT 0,   -- how often the gateway could not plan
    not_before TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE TABLE read_marks (
    channel TEXT PRIMARY KEY,
    began TEXT NOT NULL,                -- what was posted before is not ours to read
    ts TEXT NOT NULL,                   -- up to here Slack's history of it was read back
    edits_ts TEXT NOT NULL              -- … with what was edited, or answered in old threads
) WITHOUT ROWID;
CREATE TABLE replicas (
    owner TEXT PRIMARY KEY,             -- one process, from its start to its end
    until TEXT NOT NULL,                -- its lease: what it claims is its own until then
    started_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE shared_parts (
    digest TEXT PRIMARY KEY,            -- SHA-256 of the body
    body TEXT NOT NULL,                 -- JSON, as it arrived beside the alerts
    seen_at TEXT NOT NULL
);
CREATE TABLE sop_map (
    incident_key TEXT PRIMARY KEY,
    sop_id TEXT NOT NULL,
    first_seen_at TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sop_map" VALUES('prod|asked|cpu|high','sop_b2f8301b402e','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_0|cpu|high','sop_7612189c847a','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_10|cpu|high','sop_aebc01e2203a','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_11|cpu|high','sop_550f5b5d804e','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_12|cpu|high','sop_dbfe34ea9401','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_1|cpu|high','sop_93a03ae4b1c9','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_2|cpu|high','sop_1d125727d8ad','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_3|cpu|high','sop_f9860aa04a68','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_4|cpu|high','sop_50c877847fc4','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_5|cpu|high','sop_d58ae2ef74a6','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_6|cpu|high','sop_6b6785d50a3f','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_7|cpu|high','sop_4171a5017a7e','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_8|cpu|high','sop_01ad7a49a423','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|ends_9|cpu|high','sop_a010d49c7368','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_0|cpu|high','sop_d673c3f3dbec','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_1|cpu|high','sop_155426a2994b','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_2|cpu|high','sop_99606a41dbea','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_3|cpu|high','sop_24a6258d37f2','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_4|cpu|high','sop_ce0883555b1c','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_5|cpu|high','sop_37f300f71ad9','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_6|cpu|high','sop_1699eba775c1','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|hostile_7|cpu|high','sop_a9c1847df4e0','2026-11-21T03:04:05.000000Z');
INSERT INTO "sop_map" VALUES('prod|mentioned|cpu|high','sop_1bde87192e62','2026-11-21T03:04:05.000000Z');
CREATE TABLE store_identity (
    name TEXT PRIMARY KEY,              -- 'store': the one there is
    id TEXT NOT NULL                    -- random, made by the first bot that runs on the store
) WITHOUT ROWID;
INSERT INTO "store_identity" VALUES('store','62ae3461b275edbb');
CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    actor TEXT NOT NULL DEFAULT ''
);
INSERT INTO "timeline" VALUES(1,1,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(2,1,'2026-11-21T03:04:05.000000Z','note','\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','U0ANA');
INSERT INTO "timeline" VALUES(3,1,'2026-11-21T03:04:05.000000Z','advised','Advice from \u0000 as JSON writes it, \x00 as Python does, \N ','');
INSERT INTO "timeline" VALUES(4,2,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(5,2,'2026-11-21T03:04:05.000000Z','note','''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','U0ANA');
INSERT INTO "timeline" VALUES(6,2,'2026-11-21T03:04:05.000000Z','advised','Advice from ''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {','');
INSERT INTO "timeline" VALUES(7,3,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(8,3,'2026-11-21T03:04:05.000000Z','note','lone surrogates, as the store keeps them: \ud800 \udfff','U0ANA');
INSERT INTO "timeline" VALUES(9,3,'2026-11-21T03:04:05.000000Z','advised','Advice from lone surrogates, as the store keeps them: \ud800 \','');
INSERT INTO "timeline" VALUES(10,4,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(11,4,'2026-11-21T03:04:05.000000Z','note','🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','U0ANA');
INSERT INTO "timeline" VALUES(12,4,'2026-11-21T03:04:05.000000Z','advised','Advice from 🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','');
INSERT INTO "timeline" VALUES(13,5,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(14,5,'2026-11-21T03:04:05.000000Z','note','long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','U0ANA');
INSERT INTO "timeline" VALUES(15,5,'2026-11-21T03:04:05.000000Z','advised','Advice from long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','');
INSERT INTO "timeline" VALUES(16,6,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(17,6,'2026-11-21T03:04:05.000000Z','note','','U0ANA');
INSERT INTO "timeline" VALUES(18,6,'2026-11-21T03:04:05.000000Z','advised','Advice from ','');
INSERT INTO "timeline" VALUES(19,7,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(20,7,'2026-11-21T03:04:05.000000Z','note',' ','U0ANA');
INSERT INTO "timeline" VALUES(21,7,'2026-11-21T03:04:05.000000Z','advised','Advice from  ','');
INSERT INTO "timeline" VALUES(22,8,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(23,8,'2026-11-21T03:04:05.000000Z','note','NULL','U0ANA');
INSERT INTO "timeline" VALUES(24,8,'2026-11-21T03:04:05.000000Z','advised','Advice from NULL','');
INSERT INTO "timeline" VALUES(25,9,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(26,9,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(27,9,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(28,9,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(29,10,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(30,10,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(31,10,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(32,10,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(33,11,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(34,11,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(35,11,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(36,11,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(37,11,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(38,11,'2026-11-21T03:04:14.000000Z','revoked','Revoked: the incident resolved','');
INSERT INTO "timeline" VALUES(39,11,'2026-11-21T03:04:14.000000Z','resolved','Resolved by hand','U0CAT');
INSERT INTO "timeline" VALUES(40,12,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(41,12,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(42,12,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(43,12,'2026-11-21T03:04:06.000000Z','reject','Rejected: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(44,13,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(45,13,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(46,13,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(47,13,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(48,14,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(49,14,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(50,14,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(51,14,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(52,14,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(53,14,'2026-11-21T03:04:08.000000Z','revoked','Revoked: not any more','');
INSERT INTO "timeline" VALUES(54,14,'2026-11-21T03:04:14.000000Z','resolved','Resolved by hand','U0CAT');
INSERT INTO "timeline" VALUES(55,15,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(56,15,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(57,15,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(58,15,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(59,15,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(60,16,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(61,16,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(62,16,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(63,16,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(64,16,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(65,16,'2026-11-21T03:04:09.000000Z','dispatched','Remediation succeeded','');
INSERT INTO "timeline" VALUES(66,17,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(67,17,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(68,17,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(69,17,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(70,17,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(71,17,'2026-11-21T03:04:09.000000Z','dispatched','Remediation failed','');
INSERT INTO "timeline" VALUES(72,18,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(73,18,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(74,18,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(75,18,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(76,18,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(77,18,'2026-11-21T03:04:09.000000Z','dispatched','Remediation outcome unknown','');
INSERT INTO "timeline" VALUES(78,19,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(79,19,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(80,19,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(81,19,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(82,19,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(83,19,'2026-11-21T03:04:09.000000Z','dispatched','Remediation succeeded','');
INSERT INTO "timeline" VALUES(84,19,'2026-11-21T03:04:11.000000Z','verified','Remediation verified','');
INSERT INTO "timeline" VALUES(85,19,'2026-11-21T03:04:12.000000Z','resolved','Resolved: the alert cleared','');
INSERT INTO "timeline" VALUES(86,20,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(87,20,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(88,20,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(89,20,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(90,20,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(91,20,'2026-11-21T03:04:09.000000Z','dispatched','Remediation succeeded','');
INSERT INTO "timeline" VALUES(92,20,'2026-11-21T03:04:11.000000Z','not verified','Remediation not verified','');
INSERT INTO "timeline" VALUES(93,20,'2026-11-21T03:04:12.000000Z','resolved','Resolved: the alert cleared','');
INSERT INTO "timeline" VALUES(94,21,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(95,21,'2026-11-21T03:04:06.000000Z','acknowledged','Acknowledged','U0ANA');
INSERT INTO "timeline" VALUES(96,21,'2026-11-21T03:04:05.000000Z','proposed','Proposed: Restart web','U0CAT');
INSERT INTO "timeline" VALUES(97,21,'2026-11-21T03:04:06.000000Z','approve','Approved: Restart web','U0ANA');
INSERT INTO "timeline" VALUES(98,21,'2026-11-21T03:04:07.000000Z','approve','Approved: Restart web','U0BEN');
INSERT INTO "timeline" VALUES(99,21,'2026-11-21T03:04:09.000000Z','dispatched','Remediation undone','');
INSERT INTO "timeline" VALUES(100,9,'2026-11-21T03:04:11.000000Z','expired','The approval expired','');
INSERT INTO "timeline" VALUES(101,10,'2026-11-21T03:04:11.000000Z','expired','The approval expired','');
INSERT INTO "timeline" VALUES(102,22,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
INSERT INTO "timeline" VALUES(103,22,'2026-11-21T03:04:06.000000Z','severity','Severity high → critical','');
INSERT INTO "timeline" VALUES(104,23,'2026-11-21T03:04:05.000000Z','opened','Opened by alertmanager','');
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    sop_id TEXT NOT NULL,
    incident_id INTEGER,
    role TEXT NOT NULL,                 -- person, alert or advisor
    text TEXT NOT NULL,
    at TEXT NOT NULL
);
INSERT INTO "turns" VALUES(1,'sop_d673c3f3dbec',1,'person','\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(2,'sop_d673c3f3dbec',1,'advisor','\u0000 as JSON writes it, \x00 as Python does, \N for PostgreSQL''s COPY, \. too','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(3,'sop_155426a2994b',2,'person','''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(4,'sop_155426a2994b',2,'advisor','''; DROP TABLE alerts; -- "double" $tag$ %s ? {0} {{x}} 	tab
line
line','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(5,'sop_99606a41dbea',3,'person','lone surrogates, as the store keeps them: \ud800 \udfff','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(6,'sop_99606a41dbea',3,'advisor','lone surrogates, as the store keeps them: \ud800 \udfff','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(7,'sop_24a6258d37f2',4,'person','🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(8,'sop_24a6258d37f2',4,'advisor','🔥🧑‍🚒👩🏽‍💻 שלום ‮right to left‬ é é ﻿ 􏿿','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(9,'sop_ce0883555b1c',5,'person','long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(10,'sop_ce0883555b1c',5,'advisor','long: äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥äöü🔥','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(11,'sop_37f300f71ad9',6,'person','','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(12,'sop_37f300f71ad9',6,'advisor','','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(13,'sop_1699eba775c1',7,'person',' ','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(14,'sop_1699eba775c1',7,'advisor',' ','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(15,'sop_a9c1847df4e0',8,'person','NULL','2026-11-21T03:04:05.000000Z');
INSERT INTO "turns" VALUES(16,'sop_a9c1847df4e0',8,'advisor','NULL','2026-11-21T03:04:05.000000Z');
CREATE TABLE votes (
    approval_id TEXT NOT NULL REFERENCES approvals (id),
    voter TEXT NOT NULL,
    choice TEXT NOT NULL,
    at TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (approval_id, voter)
) WITHOUT ROWID;
INSERT INTO "votes" VALUES('00000000000000000000000000000013','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000016','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000019','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000019','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000001c','U0ANA','reject','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000001f','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000022','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000022','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000025','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000025','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000028','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000028','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000002b','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000002b','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000002e','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000002e','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000031','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000031','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000036','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('00000000000000000000000000000036','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000003b','U0ANA','approve','2026-11-21T03:04:06.000000Z','');
INSERT INTO "votes" VALUES('0000000000000000000000000000003b','U0BEN','approve','2026-11-21T03:04:07.000000Z','');
CREATE TABLE watched (
    execution_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- as in firing
    sender TEXT NOT NULL,
    cleared_at TEXT,                    -- when its own sender cleared it
    PRIMARY KEY (execution_id, fingerprint)
) WITHOUT ROWID;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX one_open_incident ON incidents (sop_id, scope_env, scope_service)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX open_incidents ON incidents (scope_env, scope_service)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX alerts_of_incident ON alerts (incident_id);
CREATE INDEX alerts_by_tracking_id ON alerts (tracking_id);
CREATE INDEX resolves ON alerts (fingerprint, source) WHERE status = 'resolved' AND told_at != '';
CREATE INDEX turns_of_sop ON turns (sop_id, id);
CREATE INDEX advice_of_incident ON advice (incident_id);
CREATE INDEX advice_due ON advice (rank, id) WHERE state != 'done';
CREATE INDEX approvals_of_incident ON approvals (incident_id);
CREATE INDEX approvals_waiting ON approvals (expires_at) WHERE state = 'awaiting approval';
CREATE INDEX executions_moving ON executions (state)
    WHERE state IN ('approved', 'dispatching', 'succeeded', 'outcome unknown');
CREATE INDEX outbox_of_incident ON outbox (incident_id);
CREATE INDEX outbox_by_ts ON outbox (channel, ts);
CREATE INDEX timeline_of_incident ON timeline (incident_id, id);
CREATE UNIQUE INDEX one_notice ON notices (kind, channel) WHERE ended_at IS NULL;
CREATE INDEX audit_of_incident ON audit (incident_id, seq);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX approvals_of_target ON approvals (target, action_id);
CREATE INDEX executions_started ON executions (started_at);
CREATE INDEX executions_of_incident ON executions (incident_id);
CREATE INDEX incidents_of_sop ON incidents (sop_id, id);
CREATE INDEX proposing_due ON proposing (rank, id) WHERE state != 'done';
CREATE INDEX proposing_of_incident ON proposing (incident_id);
CREATE INDEX alerts_shared ON alerts (shared) WHERE shared != '';
CREATE INDEX outbox_by_turn ON outbox (channel, rank, turn, not_before, id)
    WHERE sent < wanted AND failed = 0;
CREATE INDEX outbox_of_sender ON outbox (channel, rank, sender, turn)
    WHERE sent < wanted AND failed = 0 AND ts IS NULL;
CREATE INDEX executions_retried ON executions (retry_until) WHERE retry_until IS NOT NULL;
CREATE INDEX http_questions_asked ON http_questions (asked_at);
CREATE INDEX watched_alert ON watched (fingerprint);
CREATE INDEX firing_by_severity ON firing (
    incident_id,
    (CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2
        WHEN 'low' THEN 3 ELSE 4 END),
    (COALESCE(NULLIF(starts_at, ''), came_at)),
    (COALESCE(first_alert, 0)),
    fingerprint
);
CREATE INDEX audit_requests ON audit (at) WHERE kind = 'request';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('incidents',23);
COMMIT;
