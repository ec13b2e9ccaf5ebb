drop index generations_id_account_id;
