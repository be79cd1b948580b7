//! The read-only views: the names that people know from such engines, with readable values.
//!
//! `Name` and `Content` of a body come out of its block by functions that only our own connections
//! have ([`crate::Reader::sql`]); every other view works in any SQLite tool.

/// The views, as people may name them in their queries.
pub(crate) const NAMES: [&str; 5] = ["MessageHeader", "MessageBody", "EventLog", "Queue", "WebSocketSession"];

pub(crate) const DROP: &str = "
    DROP VIEW IF EXISTS MessageHeader; DROP VIEW IF EXISTS MessageBody; DROP VIEW IF EXISTS EventLog;
    DROP VIEW IF EXISTS Queue; DROP VIEW IF EXISTS WebSocketSession;
";

pub(crate) const CREATE: &str = "
    CREATE VIEW MessageHeader AS SELECT
        id AS ObjectId,
        CASE kind & 1 WHEN 0 THEN 'Request' ELSE 'Response' END AS Type,
        body AS MessageBodyId,
        CASE kind >> 1 & 1 WHEN 0 THEN 'Queue' ELSE 'InProc' END AS Invocation,
        corresponding AS CorrespondingMessageId,
        coalesce(session, id) AS SessionId,
        coalesce((SELECT text FROM term WHERE term.id = source), '') AS SourceConfigName,
        coalesce((SELECT text FROM term WHERE term.id = target), '') AS TargetConfigName,
        CASE kind >> 2 & 3 WHEN 1 THEN 'BusinessService' WHEN 2 THEN 'BusinessProcess'
            WHEN 3 THEN 'BusinessOperation' ELSE 'Unknown' END AS SourceBusinessType,
        CASE kind >> 4 & 3 WHEN 1 THEN 'BusinessService' WHEN 2 THEN 'BusinessProcess'
            WHEN 3 THEN 'BusinessOperation' ELSE 'Unknown' END AS TargetBusinessType,
        business_process AS BusinessProcessId,
        CASE kind >> 1 & 1 WHEN 0 THEN coalesce((SELECT text FROM term WHERE term.id = target), '')
            ELSE '' END AS TargetQueueName,
        CASE typeof(return_queue) WHEN 'integer' THEN (SELECT text FROM term WHERE term.id = return_queue)
            ELSE coalesce(return_queue, '') END AS ReturnQueueName,
        coalesce((SELECT CASE typeof(b.class) WHEN 'integer'
            THEN (SELECT text FROM term WHERE term.id = b.class) ELSE b.class END
            FROM body b WHERE b.id = header.body), '') AS MessageBodyClassName,
        CASE typeof(description) WHEN 'integer' THEN (SELECT text FROM term WHERE term.id = description)
            ELSE coalesce(description, '') END AS Description,
        coalesce(super_session, '') AS SuperSession,
        coalesce(resent, '') AS Resent,
        CASE priority WHEN 1 THEN 'HighSync' WHEN 2 THEN 'Sync' WHEN 4 THEN 'SimSync' WHEN 6 THEN 'Async'
            ELSE priority END AS Priority,
        strftime('%Y-%m-%d %H:%M:%f', created / 1000.0, 'unixepoch') AS TimeCreated,
        strftime('%Y-%m-%d %H:%M:%f', (created + processed) / 1000.0, 'unixepoch') AS TimeProcessed,
        CASE status WHEN 1 THEN 'Created' WHEN 2 THEN 'Queued' WHEN 3 THEN 'Delivered'
            WHEN 4 THEN 'Discarded' WHEN 5 THEN 'Suspended' WHEN 6 THEN 'Deferred' WHEN 7 THEN 'Aborted'
            WHEN 8 THEN 'Error' WHEN 9 THEN 'Completed' ELSE status END AS Status,
        coalesce(is_error, 0) AS IsError,
        coalesce(error_status, '') AS ErrorStatus,
        coalesce(banked, 0) AS Banked
    FROM header;

    CREATE VIEW MessageBody AS SELECT
        id AS ID,
        coalesce(CASE typeof(class) WHEN 'integer' THEN (SELECT text FROM term WHERE term.id = class)
            ELSE class END, '') AS ClassName,
        coalesce(CASE typeof(doc_type) WHEN 'integer' THEN (SELECT text FROM term WHERE term.id = doc_type)
            ELSE doc_type END, '') AS DocType,
        coalesce(CASE typeof(charset) WHEN 'integer' THEN (SELECT text FROM term WHERE term.id = charset)
            ELSE charset END, '') AS Charset,
        size AS Size,
        orris_body_name(id) AS Name,
        orris_body_content(id) AS Content
    FROM body;

    CREATE VIEW EventLog AS SELECT
        id AS ID,
        strftime('%Y-%m-%d %H:%M:%f', time / 1000.0, 'unixepoch') AS TimeLogged,
        CASE kind WHEN 1 THEN 'Assert' WHEN 2 THEN 'Error' WHEN 3 THEN 'Warning' WHEN 4 THEN 'Info'
            WHEN 5 THEN 'Trace' WHEN 6 THEN 'Alert' ELSE kind END AS Type,
        coalesce((SELECT text FROM term WHERE term.id = item), '') AS ConfigName,
        text AS Text,
        session AS SessionId,
        message AS MessageId
    FROM event;

    CREATE VIEW Queue AS SELECT
        coalesce((SELECT text FROM term WHERE term.id = target), '') AS Name,
        sum(n) AS Count,
        strftime('%Y-%m-%d %H:%M:%f', min(oldest) / 1000.0, 'unixepoch') AS Oldest
    FROM (
        SELECT target, n, (SELECT created FROM header WHERE header.id = first) AS oldest FROM (
            SELECT target, count(*) AS n, min(id) AS first FROM header WHERE status = 2 GROUP BY target
            UNION ALL
            SELECT target, count(*), min(id) FROM header WHERE status = 3 GROUP BY target
        )
    ) GROUP BY target;

    CREATE VIEW WebSocketSession AS SELECT
        id AS ID, session_key AS SessionID, item AS ConfigName, client_address AS ClientAddress,
        origin AS Origin, user AS UserName,
        strftime('%Y-%m-%d %H:%M:%f', connected / 1000.0, 'unixepoch') AS Connected,
        subscription AS Subscription
    FROM socket;
";
