-- A database of version 0.1.0 with rows in every table, as `sqlite3 .dump` writes it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE api_keys (
	id VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);
INSERT INTO "api_keys" VALUES('key_aaaaaaaaaaaaaaaaaaaaaaaa02','省预约平台','aeead68fe6c4a3142d087b3c4dbb35ffa3929fd542d72ea9d18706ffd25f25ed','2026-03-02 01:00:03.000000',NULL);
CREATE TABLE chain_heads (
	site VARCHAR(63) NOT NULL, 
	head VARCHAR(96) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (site)
);
INSERT INTO "chain_heads" VALUES('first-prison','1:efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef','2026-03-02 03:00:00.000000');
CREATE TABLE clock_marks (
	boot VARCHAR(40) NOT NULL, 
	wall DATETIME NOT NULL, 
	mono FLOAT NOT NULL, seen DATETIME, believed_at DATETIME, believed_by VARCHAR(63), 
	PRIMARY KEY (boot)
);
INSERT INTO "clock_marks" VALUES('boot','2026-03-02 03:00:00.000000',1.5,'2026-03-02 03:00:00.000000','2026-03-02 03:00:00.000000','zhao');
CREATE TABLE extensions (
	id VARCHAR(64) NOT NULL, 
	session VARCHAR(40) NOT NULL, 
	"by" VARCHAR(63) NOT NULL, 
	site VARCHAR(63) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	seconds INTEGER NOT NULL, 
	article VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	refused VARCHAR(40), 
	PRIMARY KEY (id), 
	FOREIGN KEY(session) REFERENCES slots (session), 
	FOREIGN KEY(site) REFERENCES sites (id)
);
INSERT INTO "extensions" VALUES('apr_1','ses_1','wang','first-prison','approver',600,'云南 第十四条','远道而来','2026-03-02 01:00:06.000000',NULL);
CREATE TABLE journal (
	seq INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	session VARCHAR(40), 
	kind VARCHAR(63) NOT NULL, 
	author TEXT NOT NULL, 
	data TEXT NOT NULL, 
	prev_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (hash)
);
INSERT INTO "journal" VALUES(1,'2026-03-02T01:00:07.000000+00:00',NULL,'SiteAdded','command:root','{"name":"\u76d8\u9f99","site":"panlong"}','0000000000000000000000000000000000000000000000000000000000000000','9a2f3040eb0bdd654e88a175d09d68b7aa6bf67e528e40a41db90ea7d6169770');
INSERT INTO "journal" VALUES(2,'2026-03-02T01:00:08.000000+00:00','ses_1','CutMedia','command:root','{"after":1800.0,"at":"2026-03-02T01:00:00+00:00","reason":"time_limit"}','9a2f3040eb0bdd654e88a175d09d68b7aa6bf67e528e40a41db90ea7d6169770','3c8dbd9e00b0606323794a2f73997432e41e142826846d2e641be2b8e56feee1');
INSERT INTO "journal" VALUES(3,'2026-03-02T01:00:09.000000+00:00',NULL,'TerminalEnrolled','command:root','{"rooms":["p1","v1"]}','3c8dbd9e00b0606323794a2f73997432e41e142826846d2e641be2b8e56feee1','a8967a3e160758a92c1f6e6c0e67c332cb6939ffbe23cef43239434b5925f8ea');
CREATE TABLE legal_holds (
	id INTEGER NOT NULL, 
	session VARCHAR(40) NOT NULL, 
	reason TEXT NOT NULL, 
	"by" VARCHAR(63) NOT NULL, 
	at DATETIME NOT NULL, 
	lifted_at DATETIME, 
	lifted_by VARCHAR(63), 
	lifted_why TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "legal_holds" VALUES(1,'ses_1','复议','zhao','2026-03-02 03:00:00.000000',NULL,NULL,NULL);
CREATE TABLE purge_permits (
	code_hash VARCHAR(64) NOT NULL, 
	"plan" VARCHAR(64) NOT NULL, 
	as_of DATETIME NOT NULL, 
	site VARCHAR(63), 
	"by" VARCHAR(63) NOT NULL, 
	issued_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	used_by VARCHAR(63), 
	PRIMARY KEY (code_hash)
);
INSERT INTO "purge_permits" VALUES('1212121212121212121212121212121212121212121212121212121212121212','3434343434343434343434343434343434343434343434343434343434343434','2026-03-02 03:00:00.000000',NULL,'zhao','2026-03-02 03:00:00.000000','2026-03-03 03:00:00.000000',NULL,NULL);
CREATE TABLE recorder_locks (
	name VARCHAR(32) NOT NULL, 
	owner VARCHAR(40) NOT NULL, 
	boot VARCHAR(40) NOT NULL, 
	pid INTEGER NOT NULL, 
	until DATETIME NOT NULL, begun BIGINT, 
	PRIMARY KEY (name)
);
INSERT INTO "recorder_locks" VALUES('purge','own_1','boot',7,'2026-03-02 03:00:00.000000',3);
CREATE TABLE recording_intents (
	id INTEGER NOT NULL, 
	session VARCHAR(40) NOT NULL, 
	part INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	path TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "recording_intents" VALUES(1,'ses_1',0,'2026-03-02 02:00:00.000000','first-prison/ses_1/part-0.mp4');
CREATE TABLE recordings (
	session VARCHAR(40) NOT NULL, 
	site VARCHAR(63) NOT NULL, 
	path TEXT, 
	sha256 VARCHAR(64), 
	bytes BIGINT, 
	seconds JSON, 
	packets BIGINT, 
	lost BIGINT, 
	gaps JSON, 
	started_at DATETIME, 
	ended_at DATETIME, 
	policy TEXT, 
	software TEXT, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	announced BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, due_at DATETIME, manifest_sha256 VARCHAR(64), purge JSON, head VARCHAR(96), 
	PRIMARY KEY (session)
);
INSERT INTO "recordings" VALUES('ses_1','first-prison','first-prison/2026/03/02/ses_1','abababababababababababababababababababababababababababababababab',1234,'[1800.0, 1800.0, 1800.0, 1800.0]',99,1,'[]','2026-03-02 02:00:00.000000','2026-03-02 03:00:00.000000','yunnan','0.1.0','archived',NULL,1,'2026-03-02 02:00:00.000000','2026-09-02 03:00:00.000000','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',NULL,'1:efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef');
CREATE TABLE retention_seen (
	site VARCHAR(63) NOT NULL, 
	months INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (site)
);
INSERT INTO "retention_seen" VALUES('first-prison',6,'2026-03-02 03:00:00.000000');
CREATE TABLE rooms (
	id VARCHAR(63) NOT NULL, 
	site VARCHAR(63) NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(site) REFERENCES sites (id)
);
INSERT INTO "rooms" VALUES('p1','first-prison','一室');
INSERT INTO "rooms" VALUES('v1','panlong','视频会见室一');
CREATE TABLE sites (
	id VARCHAR(63) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name TEXT NOT NULL, 
	policy TEXT NOT NULL, parent VARCHAR(63), 
	PRIMARY KEY (id)
);
INSERT INTO "sites" VALUES('yunnan','province','云南省司法厅','yunnan',NULL);
INSERT INTO "sites" VALUES('first-prison','prison','第一监狱','yunnan',NULL);
INSERT INTO "sites" VALUES('panlong','bureau','盘龙区司法局','yunnan','yunnan');
CREATE TABLE slots (
	id VARCHAR(40) NOT NULL, 
	session VARCHAR(40) NOT NULL, 
	prison_site VARCHAR(63) NOT NULL, 
	prison_room VARCHAR(63) NOT NULL, 
	visitor_site VARCHAR(63) NOT NULL, 
	visitor_room VARCHAR(63) NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	minutes INTEGER NOT NULL, 
	people JSON NOT NULL, 
	approved_by TEXT NOT NULL, 
	article TEXT NOT NULL, 
	policy TEXT NOT NULL, 
	external_id VARCHAR(200), 
	language VARCHAR(35) NOT NULL, 
	created_at DATETIME NOT NULL, 
	cancelled_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (session), 
	FOREIGN KEY(prison_site) REFERENCES sites (id), 
	FOREIGN KEY(prison_room) REFERENCES rooms (id), 
	FOREIGN KEY(visitor_site) REFERENCES sites (id), 
	FOREIGN KEY(visitor_room) REFERENCES rooms (id), 
	UNIQUE (external_id)
);
INSERT INTO "slots" VALUES('slt_1','ses_1','first-prison','p1','panlong','v1','2026-03-02 02:00:00.000000','2026-03-02 02:40:00.000000',30,'[{"id": "per_1", "side": "prison", "name": "\u5f20\u67d0", "relation": "", "first_visit": "", "role": "party", "dialect_reason": ""}, {"id": "per_2", "side": "visitor", "name": "\u674e\u67d0", "relation": "\u914d\u5076", "first_visit": true, "role": "party", "dialect_reason": ""}]','第一监狱','云南 第八条','yunnan','YY-1','zh','2026-03-02 01:00:04.000000',NULL);
CREATE TABLE snapshots (
	session VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	data JSON NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (session), 
	FOREIGN KEY(session) REFERENCES slots (session)
);
INSERT INTO "snapshots" VALUES('ses_1','ended','{"state": "ended", "end": {"code": "completed"}}','2026-03-02 01:00:05.000000');
CREATE TABLE suspension_steps (
	suspension VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	step VARCHAR(63) NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	agreed BOOLEAN NOT NULL, 
	"by" VARCHAR(63) NOT NULL, 
	site VARCHAR(63) NOT NULL, 
	article TEXT NOT NULL, 
	note TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (suspension, number), 
	FOREIGN KEY(suspension) REFERENCES suspensions (id), 
	FOREIGN KEY(site) REFERENCES sites (id)
);
INSERT INTO "suspension_steps" VALUES('sus_1',1,'decide','approve',1,'wang','first-prison','云南 第十七条','同意','2026-03-02 04:00:00.000000');
CREATE TABLE suspensions (
	id VARCHAR(64) NOT NULL, 
	session VARCHAR(40) NOT NULL, 
	side VARCHAR(16) NOT NULL, 
	home VARCHAR(63) NOT NULL, 
	person VARCHAR(64) NOT NULL, 
	months INTEGER NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	article TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"by" VARCHAR(63) NOT NULL, 
	site VARCHAR(63) NOT NULL, 
	created_at DATETIME NOT NULL, 
	linked JSON NOT NULL, 
	"plan" JSON NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(session) REFERENCES slots (session), 
	FOREIGN KEY(home) REFERENCES sites (id), 
	FOREIGN KEY(site) REFERENCES sites (id)
);
INSERT INTO "suspensions" VALUES('sus_1','ses_1','visitor','panlong','per_2',2,'YN-17-2','云南 第十七条','传递物品','li','panlong','2026-03-02 01:00:00.000000','["hold"]','[["decide", "approve", "approver", ["prison"], "\u4e91\u5357 \u7b2c\u5341\u4e03\u6761"]]');
CREATE TABLE terminals (
	id VARCHAR(40) NOT NULL, 
	room VARCHAR(63) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	enrolled_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(room) REFERENCES rooms (id), 
	UNIQUE (token_hash)
);
INSERT INTO "terminals" VALUES('trm_aaaaaaaaaaaaaaaaaaaaaaaa01','v1','cc6b771d7eda359e63cdee80f01ef8dc4571be09c644e8090c11aca9dce860f0','2026-03-02 01:00:01.000000',NULL);
CREATE TABLE user_tokens (
	hash VARCHAR(64) NOT NULL, 
	user VARCHAR(63) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (hash), 
	FOREIGN KEY(user) REFERENCES users (id)
);
INSERT INTO "user_tokens" VALUES('87cdcd697a44ab0aaea2dc4097defe617f85d5af0cadbed6c061725b3d46a25e','li','2126-02-06 01:00:02.000000');
CREATE TABLE users (
	id VARCHAR(63) NOT NULL, 
	name TEXT NOT NULL, 
	site VARCHAR(63), 
	role VARCHAR(16) NOT NULL, 
	password_hash TEXT NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(site) REFERENCES sites (id)
);
INSERT INTO "users" VALUES('li','李','panlong','supervisor','$argon2id$v=19$m=65536,t=3,p=4$Hfoil25Q7pHYhMkEp2ZJ/Q$/+HjECDPncbsgm4dU1EoOaeIcC9Q+csWjCscItpsw+8',0);
CREATE TABLE view_copies (
	session VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	progress FLOAT NOT NULL, 
	attempts INTEGER NOT NULL, 
	reason TEXT, 
	bytes BIGINT, 
	sha256 VARCHAR(64), 
	queued_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (session)
);
INSERT INTO "view_copies" VALUES('ses_1','ready',1.0,1,NULL,55,'5656565656565656565656565656565656565656565656565656565656565656','2026-03-02 03:00:00.000000','2026-03-02 03:00:00.000000');
CREATE INDEX ix_rooms_site ON rooms (site);
CREATE UNIQUE INDEX one_terminal_a_room ON terminals (room) WHERE revoked_at IS NULL;
CREATE INDEX ix_user_tokens_expires_at ON user_tokens (expires_at);
CREATE INDEX ix_user_tokens_user ON user_tokens (user);
CREATE INDEX ix_slots_ends_at ON slots (ends_at);
CREATE INDEX ix_snapshots_state ON snapshots (state);
CREATE INDEX ix_journal_session ON journal (session);
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal) BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE INDEX ix_recordings_site ON recordings (site);
CREATE INDEX ix_recordings_state ON recordings (state);
CREATE INDEX ix_recordings_ended_at ON recordings (ended_at);
CREATE INDEX ix_recording_intents_session ON recording_intents (session);
CREATE INDEX recordings_by_due ON recordings (due_at, session);
CREATE INDEX ix_legal_holds_session ON legal_holds (session);
CREATE INDEX ix_view_copies_state ON view_copies (state);
CREATE INDEX ix_extensions_session ON extensions (session);
CREATE INDEX ix_suspensions_session ON suspensions (session);
CREATE INDEX ix_suspensions_home ON suspensions (home);
CREATE INDEX ix_suspensions_person ON suspensions (person);
CREATE INDEX ix_suspensions_site ON suspensions (site);
COMMIT;
