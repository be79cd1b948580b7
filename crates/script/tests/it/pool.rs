//! Batches on threads.

use std::sync::Arc;

use orris_script::{Pool, Verdict};

use crate::{ADT, Noting, input, program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_keep_their_order_on_however_many_threads() {
    let pool = Arc::new(Pool::default());
    let program = program("msg.set('PID-1', msg.get('MSH-10')); send('A')");
    let mut tasks = Vec::new();
    for batch in 0..8 {
        let (pool, program) = (pool.clone(), program.clone());
        tasks.push(tokio::spawn(async move {
            let inputs = (0..50).map(|n| input(&ADT.replace("|7|P", &format!("|{batch}.{n}|P"))));
            let outcomes = pool.run(&program, inputs.collect(), Arc::new(Noting::default())).await;
            assert_eq!(outcomes.len(), 50);
            for (n, outcome) in outcomes.iter().enumerate() {
                let text = crate::text_of(&outcome.sends[0].body);
                assert!(text.contains(&format!("\rPID|{batch}.{n}|")), "{batch} {n}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn one_message_that_fails_fails_alone() {
    let pool = Pool::default();
    let program = program("if (msg.get('MSH-10') === 'bad') msg.nothing(); send('A')");
    let inputs = ["1", "bad", "3"].map(|id| input(&ADT.replace("|7|P", &format!("|{id}|P"))));
    let outcomes = pool.run(&program, inputs.into(), Arc::new(Noting::default())).await;
    let done: Vec<_> = outcomes.iter().map(|outcome| outcome.verdict == Verdict::Done).collect();
    assert_eq!(done, [true, false, true]);
}

#[tokio::test]
async fn an_empty_batch_is_done_at_once() {
    let outcomes = Pool::default().run(&program("send('A')"), vec![], Arc::new(Noting::default())).await;
    assert!(outcomes.is_empty());
}
