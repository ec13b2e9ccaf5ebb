//! The sentences about mails.

use crate::types::MailRoute;

/// Where it is told what concerns the account.
pub fn mail_route(route: MailRoute) -> &'static str {
    match route {
        MailRoute::Mail => {
            "Receipts, payments that failed and changes of your plan always come by e-mail. These you can turn off:"
        }
        MailRoute::NoAddress => {
            "You have no verified address, so you are told in the app. What is chosen here counts once you have one:"
        }
        MailRoute::NoMail => {
            "No e-mail is sent from here, so you are told in the app. This counts once it is:"
        }
    }
}
